"""Logs are JSON lines with what was passed as `extra`."""

import logging

import asyncpg
import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hub.app import logs
from hub.db.engine import Database


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


async def test_the_values_of_a_row_that_the_database_refuses_are_in_no_line(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure()
    logger = logging.getLogger("hub.x")
    statement = "INSERT INTO classification SELECT :code, NULL, :name, 'odd', now(), now(), 'x'"
    values = {"code": "999999", "name": "张三\n家住 示例路"}
    try:
        async with database.session() as session:
            await session.execute(text(statement), values)
    except IntegrityError:
        logger.exception("by the session")
    try:
        async with database.connection() as connection:
            await connection.execute("INSERT INTO classification SELECT '9', NULL, '张三', 'odd', now(), now(), 'x'")
    except asyncpg.PostgresError:
        logger.exception("by the connection")
    found = capsys.readouterr().err
    assert len(lines(found)) == 2
    assert found.count("violates check constraint") >= 3
    assert not [word for word in ("999999", "示例路") if word in found]
    assert found.count("DETAIL: —") >= 2


def test_below_the_level_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(logging.WARNING)
    logging.getLogger("hub.x").info("not this")
    assert capsys.readouterr().err == ""
