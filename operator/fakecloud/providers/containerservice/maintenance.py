"""Maintenance windows of clusters: when AKS may upgrade by itself."""

import re
from datetime import date, datetime
from typing import Any, ClassVar, Final

from fakecloud.arm.errors import ArmError
from fakecloud.arm.shapes import Shape
from fakecloud.arm.types import RESOURCE, Answer, Call, Fidelity, ResourceType
from fakecloud.providers.containerservice import refusals, shapes
from fakecloud.providers.containerservice.refusals import invalid, refuse
from fakecloud.store import Body

DEFAULT: Final = "default"
SCHEDULED: Final = ("aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule")
DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
WEEKS: Final = ("First", "Second", "Third", "Fourth", "Last")
HOURS: Final = (4, 24)
"""How long a window may be."""
TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
OFFSET: Final = re.compile(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]")
INTERVALS: Final[dict[str, tuple[str, int, int]]] = {
    "daily": ("intervalDays", 1, 7),
    "weekly": ("intervalWeeks", 1, 4),
    "absoluteMonthly": ("intervalMonths", 1, 6),
    "relativeMonthly": ("intervalMonths", 1, 6),
}
"""Each kind of schedule: the property that says how often, and its range (D)."""


class MaintenanceConfigurations(ResourceType):
    """Microsoft.ContainerService/managedClusters/maintenanceConfigurations."""

    type = "Microsoft.ContainerService/managedClusters/maintenanceConfigurations"
    fidelity = Fidelity(
        exact=(
            "at once: PUT 200, DELETE 200 or 204; the names default, aksManagedAutoUpgradeSchedule and aksManagedNodeOSUpgradeSchedule (D)",
            "one schedule of four kinds with its interval, 4 to 24 hours, start time, offset, dates that are not allowed (M, D)",
        ),
        simplified=("no upgrade happens by itself",),
    )
    flat_errors = True
    verbs = ("GET", "LIST", "PUT", "DELETE")
    shape: ClassVar[Shape] = shapes.MAINTENANCE

    def malformed(self, path: str, wrong: str) -> ArmError:
        """See ResourceType."""
        return refusals.malformed(path, wrong)

    def missing(self, target: Any) -> ArmError:
        """See ResourceType."""
        return refuse(404, "NotFound", f"Could not find the maintenance configuration '{target.name}'.")

    async def put(self, call: Call) -> Answer:
        """See ResourceType."""
        name = next((n for n in (DEFAULT, *SCHEDULED) if n.lower() == call.target.name.lower()), None)
        if name is None:
            raise invalid("configName", f"'{call.target.name}' is none of {', '.join((DEFAULT, *SCHEDULED))}.")
        properties = call.body.get("properties") or {}
        check(name, properties)
        parent = self.context.resource(call.target.parent or "") or {}
        body: Body = {
            "id": f"{parent['id']}/maintenanceConfigurations/{name}",
            "name": name,
            "type": self.type,
            "properties": properties,
        }
        self.store.put(RESOURCE, body["id"], body)
        return Answer(200, self.shown(body))

    async def delete(self, call: Call) -> Answer:
        """See ResourceType."""
        body = self.context.resource(call.target.id)
        if body is None:
            return Answer(204)
        self.store.delete(RESOURCE, body["id"])
        return Answer(200)


def check(name: str, properties: Body) -> None:
    """Raises ArmError (400) for windows that AKS does not take. Pure."""
    window = properties.get("maintenanceWindow")
    if name == DEFAULT:
        if window is not None:
            raise invalid("maintenanceWindow", f"it is for {' and '.join(SCHEDULED)}.")
        for entry in properties.get("timeInWeek") or ():
            _word("timeInWeek.day", entry.get("day"), DAYS)
            for hour in entry.get("hourSlots") or ():
                _between("timeInWeek.hourSlots", hour, 0, 23)
        return
    if window is None:
        raise invalid("maintenanceWindow", "it is required.")
    _between("maintenanceWindow.durationHours", window.get("durationHours"), *HOURS)
    if not TIME.fullmatch(window.get("startTime", "")):
        raise invalid("maintenanceWindow.startTime", "it takes a time such as 02:00.")
    if not OFFSET.fullmatch(window.get("utcOffset", "+00:00")):
        raise invalid("maintenanceWindow.utcOffset", "it takes an offset such as +01:00.")
    for span in window.get("notAllowedDates") or ():
        if _date(span.get("start")) > _date(span.get("end")):
            raise invalid("maintenanceWindow.notAllowedDates", "the end comes before the start.")
    if "startDate" in window:
        _date(window["startDate"])
    _check_schedule(window.get("schedule") or {})


def _check_schedule(schedule: Body) -> None:
    if len(schedule) != 1:
        raise invalid("maintenanceWindow.schedule", f"it takes exactly one of {', '.join(INTERVALS)}.")
    [(kind, given)] = schedule.items()
    often, low, high = INTERVALS[kind]
    _between(f"schedule.{kind}.{often}", given.get(often), low, high)
    if kind in {"weekly", "relativeMonthly"}:
        _word(f"schedule.{kind}.dayOfWeek", given.get("dayOfWeek"), DAYS)
    if kind == "relativeMonthly":
        _word("schedule.relativeMonthly.weekIndex", given.get("weekIndex"), WEEKS)
    if kind == "absoluteMonthly":
        _between("schedule.absoluteMonthly.dayOfMonth", given.get("dayOfMonth"), 1, 31)


def _between(path: str, value: int | None, low: int, high: int) -> None:
    if value is None or not low <= value <= high:
        raise invalid(path, f"{value} is not in the range of {low} to {high}.")


def _word(path: str, value: str | None, words: tuple[str, ...]) -> None:
    if str(value).lower() not in {word.lower() for word in words}:
        raise invalid(path, f"{value} is none of {', '.join(words)}.")


def _date(text: str | None) -> date:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d").date()  # noqa: DTZ007  # a day of a calendar, wherever it is
    except ValueError as error:
        raise invalid("maintenanceWindow.notAllowedDates", f"{text} is no date such as 2026-12-24.") from error
