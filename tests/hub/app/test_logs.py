"""Logs are JSON lines with what was passed as `extra`."""

import logging

import orjson
import pytest

from hub.app import logs


def lines(captured: str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in captured.splitlines()]


@pytest.fixture(autouse=True)
def root_logger() -> object:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_a_record_is_one_line_with_its_extras(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    logging.getLogger("hub.x").info("gateway ready\nnow", extra={"port": 8640})
    (line,) = lines(capsys.readouterr().err)
    assert line["message"] == "gateway ready\nnow"
    assert (line["level"], line["logger"], line["port"]) == ("info", "hub.x", 8640)
    assert str(line["time"]).endswith("+00:00")


def test_an_exception_is_in_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    try:
        raise ValueError("unforeseen")
    except ValueError:
        logging.getLogger("hub.x").exception("failed", extra={"what": object})
    (line,) = lines(capsys.readouterr().err)
    assert "ValueError: unforeseen" in str(line["exception"])
    assert "object" in str(line["what"])


def test_below_the_level_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(logging.WARNING)
    logging.getLogger("hub.x").info("not this")
    assert capsys.readouterr().err == ""
