"""Settings: what an installation decides, by environment variables."""

from typing import Any

import pytest
from pydantic import ValidationError

from aks_operator.settings import Settings


def read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(f"AKS_OPERATOR_{name}", value)
    return Settings()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ()),
        ("a", ("a",)),
        ("a,b", ("a", "b")),
        (" a , b ,", ("a", "b")),
        ("https://x:8443,https://y", ("https://x:8443", "https://y")),
    ],
)
@pytest.mark.parametrize("name", ["watch_namespaces", "allowed_endpoints", "workload_identity_namespaces"])
def test_lists_are_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: tuple[str, ...]
) -> None:
    assert getattr(read(monkeypatch, **{name.upper(): text}), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("LEASE_SECONDS", "1"),
        ("LEASE_SECONDS", "nan"),
        ("LEASE_SECONDS", "inf"),
        ("DRIFT_INTERVAL_SECONDS", "inf"),
        ("POLL_INTERVAL_SECONDS", "0"),
        ("REQUEST_TIMEOUT_SECONDS", "-1"),
        ("WRITES_PER_SECOND", "0"),
        ("READS_PER_SECOND", "nan"),
        ("HTTP_PORT", "65536"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("MANAGEMENT_ID", "x" * 65),
        ("MANAGEMENT_ID", "a/b"),
        ("DELETE_EMPTY_RESOURCE_GROUP", "perhaps"),
    ],
)
def test_what_makes_no_sense_is_refused_at_start(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    with pytest.raises(ValidationError, match=name.lower()):
        read(monkeypatch, **{name: text})


def test_settings_do_not_change_once_read() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.workers = 1  # type: ignore[misc]  # that is the point


def test_every_setting_is_described_beginning_with_its_name() -> None:
    described = {name: field.description or "" for name, field in Settings.model_fields.items()}
    assert [name for name, text in described.items() if not text.startswith(f"{name} ")] == []


def test_what_the_chart_leaves_unset_has_a_default_that_touches_little() -> None:
    defaults: dict[str, Any] = Settings().model_dump()
    assert defaults["delete_empty_resource_group"] is False
    assert defaults["allowed_endpoints"] == ()
    assert defaults["workload_identity_namespaces"] == ()
