"""The staff session of this user on this machine: one file that only they can read."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from hub.cli.failures import Missing


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in where; `token` is a secret."""

    url: str
    user: str
    token: str
    expires_at: str


def session_file() -> Path:
    """Where the session lies: `$XDG_CONFIG_HOME/shuniu/session.json`, by default under `~/.config`."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "shuniu" / "session.json"


def save(session: Session) -> None:
    """Write the session with mode 0600, whatever lay there before."""
    path = session_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(session), file)
    partial.replace(path)


def load() -> Session:
    """The session. Raises `Missing` when nobody is signed in."""
    try:
        return Session(**json.loads(session_file().read_text(encoding="utf-8")))
    except FileNotFoundError:
        why = ("尚未登录", "nobody is signed in")
    except (ValueError, TypeError):
        why = ("会话文件已损坏", "the session file is damaged")
    raise Missing(f"{why[0]}；请先运行 shuniu login --url … --user … / {why[1]}; run shuniu login first")


def forget() -> None:
    """Remove the file."""
    session_file().unlink(missing_ok=True)
