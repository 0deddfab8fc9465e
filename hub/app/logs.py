"""Structured logs: one JSON object a line on standard error. No payload and no personal data is ever handed to them."""

import logging
import re
import sys
from datetime import UTC, datetime

import orjson

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}

_DETAIL = re.compile(r"^DETAIL: .*?(?=^(?:HINT: |\[SQL: |\(Background|Traceback|\s*$)|\Z)", re.MULTILINE | re.DOTALL)
"""What PostgreSQL adds to a refusal: the row's values."""


class JsonLines(logging.Formatter):
    """A record as one line: time, level, logger, message, and what was passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in record.__dict__.items() if name not in _STANDARD})
        if record.exc_info:
            line["exception"] = _DETAIL.sub("DETAIL: —", self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def configure(level: int = logging.INFO) -> None:
    """Send everything of `level` and above to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").handlers.clear()
    logging.getLogger("uvicorn.access").propagate = False
