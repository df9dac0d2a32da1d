"""Refusals, in both of ARM's shapes."""

from typing import Any

from aiohttp import web

from fakecloud.jsontext import dumps


class ArmError(Exception):
    """A refusal. `flat`: in the shape of the AKS resource provider, without the outer `error`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        flat: bool = False,
        details: list[dict[str, Any]] | None = None,
        target: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.flat = flat
        self.details = details
        self.target = target
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        if self.flat:
            return {
                "code": self.code,
                "details": None,
                "message": str(self),
                "subcode": "",
                **({"target": self.target} if self.target else {}),
            }
        return {"error": self.inner()}

    def inner(self) -> dict[str, Any]:
        """What stands in `error`, and in that of a failed operation."""
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.target:
            error["target"] = self.target
        if self.details is not None:
            error["details"] = self.details
        return error

    def response(self) -> web.Response:
        """The answer."""
        headers = {"x-ms-failure-cause": "gateway", **self.headers} if not self.flat else dict(self.headers)
        return web.Response(
            status=self.status,
            body=dumps(self.body()),
            content_type="application/json",
            charset="utf-8",
            headers=headers,
        )


def not_found(id_: str) -> ArmError:
    """The resource is not there."""
    parts = id_.strip("/").split("/")
    group = parts[3] if len(parts) > 3 else ""
    provider = "/".join(parts[5:])
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{provider}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def group_not_found(group: str) -> ArmError:
    """The resource group is not there."""
    return ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def bad_request(code: str, message: str, **more: Any) -> ArmError:
    """A refusal of the body."""
    return ArmError(400, code, message, **more)


def not_implemented(type_: str, what: str) -> ArmError:
    """The answer to what Azure can do and this fake cannot: in the shape that the type's provider has."""
    flat = type_.lower().startswith("microsoft.containerservice/")
    return ArmError(501, "NotImplemented", f"fakecloud does not implement {what} of {type_}.", flat=flat)
