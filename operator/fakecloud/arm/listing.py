"""Resources of all types, by group and by subscription, and what `$filter` leaves of them and of groups."""

from collections.abc import Iterable
from typing import Any, Final

from fakecloud.arm import odata
from fakecloud.arm.errors import bad_request
from fakecloud.arm.types import Call, Context
from fakecloud.store import RESOURCE, Body

TAGS: Final = frozenset({"tagname", "tagvalue"})
FIELDS: Final = frozenset(
    {
        *("name", "resourcetype", "resourcegroup", "location", "identity/principalid"),
        *("plan", "plan/publisher", "plan/product", "plan/name", "plan/version", "plan/promotioncode"),
    }
)
"""What resources can be filtered by beside their tags."""
SHOWN: Final = ("id", "name", "type", "kind", "sku", "managedBy", "location", "identity", "zones", "tags")
"""What such a list tells of a resource."""
EXPANDED: Final = "provisioningstate"


def everything(context: Context, call: Call) -> list[Body]:
    """The top-level resources of a group or a subscription that `$filter` lets through; raises ArmError (400)."""
    found = [
        body for _, body in context.store.under(RESOURCE, f"{call.target.scope}/") if str(body["type"]).count("/") == 1
    ]
    found += [body for handler in context.types.values() for body in handler.unkept(call.target)]
    expand = [word.strip().lower() for word in call.query.get("$expand", "").split(",")]
    return [_shown(body, expanded=EXPANDED in expand) for body in filtered(found, call, FIELDS)]


def filtered(found: Iterable[Body], call: Call, fields: frozenset[str]) -> list[Body]:
    """What `$filter` lets through of resources or groups. It asks about `fields` or about tags, never both (D)."""
    text = call.query.get("$filter")
    if not text:
        return list(found)
    try:
        wanted = odata.parse(text)
    except odata.Malformed as error:
        raise _invalid(text, str(error)) from error
    by_tags = bool(wanted.fields & TAGS)
    if not wanted.fields <= (TAGS if by_tags else fields):
        known = ", ".join(sorted(fields | TAGS))
        raise _invalid(text, f"it takes either tagName and tagValue or others of {known}")
    if by_tags:
        return [body for body in found if any(wanted.holds(_tag(name, text)) for name, text in _tags(body))]
    return [body for body in found if wanted.holds(_fields(body))]


def _invalid(text: str, why: str) -> Exception:
    return bad_request("InvalidFilterInQueryString", f"Invalid $filter '{text}' specified in the query string: {why}.")


def _tags(body: Body) -> Iterable[tuple[str, str]]:
    return (body.get("tags") or {}).items()


def _tag(name: str, value: str) -> odata.Fields:
    """A tag as a filter sees it: the case of its name does not count, that of its value does."""
    fields = {"tagname": name, "tagvalue": odata.Exact(value)}
    return fields.get


def _fields(body: Body) -> odata.Fields:
    parts = str(body["id"]).split("/")
    fields: dict[str, Any] = {
        "name": body["name"],
        "resourcetype": body["type"],
        "resourcegroup": parts[4] if len(parts) > 4 else None,
        "location": body.get("location"),
        "identity/principalid": (body.get("identity") or {}).get("principalId"),
    }
    return fields.get


def _shown(body: Body, *, expanded: bool) -> Body:
    shown: Body = {key: body[key] for key in SHOWN if key in body}
    if expanded:
        shown["provisioningState"] = (body.get("properties") or {}).get("provisioningState", "Succeeded")
    return shown
