"""The commands 命令: `shuniu`, also `python -m hub`. Exit 0 done, 1 the answer is no, 2 wrong use, 3 something is missing.

Results go to standard output, messages to standard error, Chinese first. What a foreseen failure says is a sentence, never
a traceback.
"""

import gc
import io
import os
import sys
from collections.abc import Sequence

import click

from certs.errors import CertsError
from hub.cli.commands import root
from hub.cli.failures import INTERRUPTED, MISSING, REFUSED, WRONG_USE
from hub.cli.output import open_closed_streams
from hub.errors import HubError, SetupError

GC_THRESHOLDS = (20_000, 20, 50)
"""Neither imports nor envelopes leave cycles behind; at the default of 700 objects the collector takes a quarter of the time
to start, and runs for every second envelope."""


def main() -> None:
    """The entry point: runs the command line and exits with its code."""
    gc.set_threshold(*GC_THRESHOLDS)
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a locale that lacks a character costs its look, not the command
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """The exit code of one command line, its messages printed."""
    if any(not _is_text(argument) for argument in arguments):
        return _say(
            "参数里有本机字符编码之外的字节；请用 UTF-8 输入 / an argument has bytes that are no text here: type it in UTF-8",
            WRONG_USE,
        )
    try:
        code = root.main(args=list(arguments), prog_name="shuniu", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        return _say(error.format_message(), WRONG_USE)
    except click.UsageError as error:
        return _wrong_use(error)
    except click.Abort:
        return _say("已中断 / interrupted", INTERRUPTED)
    except click.ClickException as error:
        return _say(error.format_message(), error.exit_code)
    except SetupError as error:
        return _say(str(error), MISSING)
    except (HubError, CertsError) as error:
        return _say(str(error), REFUSED)
    except BrokenPipeError:
        # who read our output has left: nothing more to say, and nothing must be said at interpreter exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _say(f"文件或网络操作失败{where}：{error.strerror} / failed{where}: {error.strerror}", MISSING)
    return code if isinstance(code, int) else 0


def _is_text(argument: str) -> bool:
    """Whether what was typed could be decoded: bytes that could not are surrogates, and go into no file or request."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wrong_use(error: click.UsageError) -> int:
    command = error.ctx.command_path if error.ctx else "shuniu"
    message = error.format_message()
    return _say(f"用法不对：{message}\n请看 {command} --help / wrong use, see {command} --help", WRONG_USE)


def _say(message: str, code: int) -> int:
    click.echo(message, err=True)
    return code
