"""Logs: one line a record, its fields beside it, and no secrets."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from aks_operator import logs
from aks_operator.cloud.credentials import ServicePrincipal
from aks_operator.session import Operation

SECRET = "v3ry-s3cret"


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging as it was, once a test has configured it."""
    root, ours = logging.getLogger(), logging.getLogger("aks_operator")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], root.level, ours.level = before


def record(message: str = "m", *args: object, **fields: Any) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "aks_operator.x", "levelname": "INFO", "msg": message, "args": args})
    vars(made).update(fields)
    return made


def test_a_line_is_json_with_the_records_own_fields() -> None:
    line = json.loads(logs.JsonFormatter().format(record("%s %s", "create", "/id", why="it does not exist", count=3)))
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "severity": "INFO",
        "logger": "aks_operator.x",
        "message": "create /id",
        "why": "it does not exist",
        "count": 3,
    }


@pytest.mark.parametrize("text", ["two\nlines", 'quotes "', "\x1b[31m", "ünï", '{"severity": "ERROR"}'])
def test_nobody_can_write_a_second_line(text: str) -> None:
    formatted = logs.JsonFormatter().format(record(text, key=text))
    assert "\n" not in formatted
    line = json.loads(formatted)
    assert (line["message"], line["key"], line["severity"]) == (text, text, "INFO")


def test_an_exception_comes_with_its_stack() -> None:
    error = ZeroDivisionError("a bug")
    failed = record("failed", exc_info=(type(error), error, None))
    line = json.loads(logs.JsonFormatter().format(failed))
    assert "ZeroDivisionError: a bug" in line["exception"]
    assert "ZeroDivisionError: a bug" in logs.PlainFormatter().format(failed)


def test_plain_lines_are_for_people() -> None:
    formatted = logs.PlainFormatter().format(record("create", why="x"))
    assert formatted.endswith(" INFO    create why=x")


SECRETIVE = [
    ServicePrincipal("tenant", "client", secret=SECRET),
    ServicePrincipal("tenant", "client", certificate=SECRET.encode()),
    Operation("/id", "create", "t", f"https://arm/subscriptions/s/operations/1?s={SECRET}"),
]


@pytest.mark.parametrize("value", SECRETIVE, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("formatter", [logs.JsonFormatter(), logs.PlainFormatter()])
def test_what_holds_a_secret_shows_it_in_no_way_of_logging(value: object, formatter: logging.Formatter) -> None:
    shown = [
        formatter.format(record("%s", value)),
        formatter.format(record("%r", value)),
        formatter.format(record(f"{value}", what=value, all=[value], by={"x": value})),
    ]
    assert SECRET not in "".join(shown)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_libraries_speak_from_warnings_on_since_they_log_urls_and_bodies_below(
    capsys: pytest.CaptureFixture[str], level: str
) -> None:
    logs.configure(level, "json")
    for name in ("azure.core.pipeline.policies.http_logging_policy", "azure.identity", "kopf", "aiohttp.client"):
        logging.getLogger(name).info("Authorization: %s", SECRET)
        logging.getLogger(name).debug("Authorization: %s", SECRET)
    logging.getLogger("azure.identity").warning("a warning")
    logging.getLogger("aks_operator.x").info("ours")
    lines = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["a warning", "ours"]
