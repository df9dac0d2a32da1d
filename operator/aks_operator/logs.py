"""Logs: JSON lines for machines, or plain lines for people. Fields come by `extra=`."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: timestamp (RFC 3339), severity, logger, message, and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line: dict[str, str | int | float] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {
            key: value
            for key, value in vars(record).items()
            if key not in _STANDARD and isinstance(value, str | int | float | bool)
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class PlainFormatter(logging.Formatter):
    """Time, level, message, and the record's own fields as key=value."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        fields = "".join(
            f" {k}={v}"
            for k, v in vars(record).items()
            if k not in _STANDARD and isinstance(v, str | int | float | bool)
        )
        text = (
            f"{datetime.fromtimestamp(record.created, UTC):%H:%M:%S} {record.levelname:7} {record.getMessage()}{fields}"
        )
        return text + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def configure(level: str, format_: str) -> None:
    """Send all logs to standard error; libraries only from WARNING on: the SDK logs URLs and bodies below that."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format_ == "json" else PlainFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aks_operator").setLevel(level)
