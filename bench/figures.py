"""Figures: what was measured, and what it should be."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One figure. `value` is None where it could not be measured; `ok` is None for one without a goal."""

    name: str
    value: float | None
    unit: str
    goal: str | None = None
    ok: bool | None = None

    def line(self) -> str:
        """As it is printed."""
        value = "-" if self.value is None else f"{self.value:,.4g}" if abs(self.value) < 1000 else f"{self.value:,.0f}"
        verdict = {None: "", True: "ok", False: "MISSED"}[self.ok]
        return f"{self.name:<52} {value:>10} {self.unit:<12} {self.goal or '':<10} {verdict}".rstrip()

    def document(self) -> dict[str, Any]:
        """As it stands in results.json."""
        return asdict(self)


def below(limit: float, name: str, value: float, unit: str) -> Figure:
    """A figure that should be less than `limit`."""
    return Figure(name, round(value, 4), unit, f"< {limit:g}", value < limit)


def at_most(limit: float, name: str, value: float, unit: str) -> Figure:
    """A figure that should be no more than `limit`."""
    return Figure(name, round(value, 4), unit, f"<= {limit:g}", value <= limit)


def at_least(limit: float, name: str, value: float, unit: str) -> Figure:
    """A figure that should be no less than `limit`."""
    return Figure(name, round(value, 4), unit, f">= {limit:g}", value >= limit)


def plain(name: str, value: float, unit: str) -> Figure:
    """A figure without a goal."""
    return Figure(name, round(value, 4), unit)
