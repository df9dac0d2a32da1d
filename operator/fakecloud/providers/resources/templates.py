"""ARM templates: parameters and variables, resources in the order in which they can be made, outputs. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from fakecloud.arm.errors import ArmError, bad_request, not_implemented
from fakecloud.providers.resources.expressions import Broken, Functions, Unbuilt, evaluated
from fakecloud.store import Body

TYPE: Final = "Microsoft.Resources/deployments"
SECRET: Final = frozenset({"securestring", "secureobject"})
"""Types of parameters and outputs whose values are never shown."""
KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "securestring": (str,),
    "int": (int,),
    "bool": (bool,),
    "array": (list,),
    "object": (dict,),
    "secureobject": (dict,),
}
UNBUILT: Final = ("copy", "condition", "resources", "scope", "resourceGroup", "subscriptionId")
"""What a resource of a template may have and nothing here would act on."""
OF_RESOURCES: Final = ("location", "tags", "sku", "zones", "identity", "kind", "properties")
"""What a resource of a template has of the body that is put."""
Reference = Callable[[str], Body]
"""The resource that has an id; raises ArmError."""


@dataclass(frozen=True)
class Scope:
    """The group that a template is deployed into."""

    subscription: str
    group: Body

    @property
    def id(self) -> str:
        """The group's id."""
        return str(self.group["id"])


@dataclass(frozen=True)
class Resource:
    """A resource of a template; its body may hold expressions still."""

    id: str
    name: str
    api_version: str
    body: Body
    after: Sequence[str]
    """Ids, in lower case, of those that are made before it."""


class Template:
    """A template with the parameters given. Raises ArmError: 400 InvalidTemplate, 501 for what is not built."""

    def __init__(self, template: Mapping[str, Any], given: Mapping[str, Any], scope: Scope) -> None:
        self._scope = scope
        self._declared: Mapping[str, Any] = template.get("parameters") or {}
        self._variables: Mapping[str, Any] = template.get("variables") or {}
        self._outputs: Mapping[str, Any] = template.get("outputs") or {}
        resources = template.get("resources")
        if not isinstance(resources, list):
            raise invalid("the template has no list of resources")
        self._parameters: dict[str, Any] = {}
        self._parameters = self._settled(given)
        self.resources = self._ordered([self._resource(entry) for entry in resources])

    def parameters(self) -> Body:
        """Type and value of each parameter, as a deployment shows them: no secrets."""
        kinds = {name: self._kind(name) for name in self._declared}
        return {
            name: {"type": kind.capitalize(), **({} if kind in SECRET else {"value": self._parameters[name.lower()]})}
            for name, kind in kinds.items()
        }

    def body(self, resource: Resource, reference: Reference) -> Body:
        """What is put for a resource, when those before it are there."""
        found: Body = self._value(resource.body, reference)
        return found

    def outputs(self, reference: Reference) -> Body:
        """Type and value of each output, when all resources are there."""
        kinds = {name: str(output.get("type", "")).lower() for name, output in self._outputs.items()}
        return {
            name: {"type": kinds[name].capitalize(), "value": self._value(output.get("value"), reference)}
            for name, output in self._outputs.items()
            if kinds[name] not in SECRET
        }

    def _kind(self, name: str) -> str:
        declared = self._declared[name]
        kind = str(declared.get("type", "")).lower() if isinstance(declared, dict) else ""
        if kind not in KINDS:
            raise invalid(f"the template parameter '{name}' is of no type of {', '.join(KINDS)}")
        return kind

    def _settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The value of each parameter declared, by its name in lower case."""
        declared = {name.lower() for name in self._declared}
        unknown = [name for name in given if name.lower() not in declared]
        if unknown:
            raise invalid(
                f"The template parameters '{', '.join(unknown)}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time."
            )
        values = {name.lower(): entry.get("value") for name, entry in given.items() if isinstance(entry, dict)}
        for name, entry in self._declared.items():
            kind = self._kind(name)
            if values.get(name.lower()) is None and "defaultValue" in entry:
                values[name.lower()] = self._value(entry["defaultValue"])
            value = values.get(name.lower())
            if value is None:
                raise invalid(f"The value for the template parameter '{name}' is not provided.")
            if not isinstance(value, KINDS[kind]) or (kind == "int" and isinstance(value, bool)):
                raise invalid(f"The value of the template parameter '{name}' is not of type '{entry['type']}'.")
            if "allowedValues" in entry and value not in entry["allowedValues"]:
                raise invalid(f"The value of the template parameter '{name}' is not part of the allowed value(s).")
        return values

    def _resource(self, entry: Any) -> Resource:
        if not isinstance(entry, dict):
            raise invalid("a resource of a template is an object")
        unbuilt = next((key for key in UNBUILT if key in entry), None)
        if unbuilt is not None:
            raise not_implemented(TYPE, f"'{unbuilt}' in templates")
        type_, name, version = (self._value(entry.get(key)) for key in ("type", "name", "apiVersion"))
        if not (isinstance(type_, str) and isinstance(name, str) and isinstance(version, str)):
            raise invalid("every resource of a template has a type, a name and an apiVersion")
        after = [str(self._value(other)).lower() for other in entry.get("dependsOn") or ()]
        body = {key: entry[key] for key in OF_RESOURCES if entry.get(key) is not None}
        return Resource(_id(self._scope.id, type_, *name.split("/")), name, version, body, after)

    def _ordered(self, resources: list[Resource]) -> list[Resource]:
        """Each after those that it depends on."""
        by_id = {resource.id.lower(): resource for resource in resources}
        if len(by_id) < len(resources):
            raise invalid("a resource is defined multiple times in a template")
        graph = {id_: [self._meant(name, by_id) for name in found.after] for id_, found in by_id.items()}
        try:
            return [by_id[id_] for id_ in TopologicalSorter(graph).static_order()]
        except CycleError as error:
            raise invalid(f"Circular dependency detected on resource: '{error.args[1][0]}'.") from error

    def _meant(self, name: str, by_id: Mapping[str, Resource]) -> str:
        """The id that a dependency means: an id itself, type and name, or a name alone, of several resources the last's."""
        for id_, resource in reversed([*by_id.items()]):
            if name in {id_, id_.partition("/providers/")[2], resource.name.lower()}:
                return id_
        raise invalid(f"The resource '{name}' is not defined in the template.")

    def _value(self, value: Any, reference: Reference | None = None) -> Any:
        try:
            return evaluated(value, self._functions(reference))
        except Broken as error:
            raise invalid(f"Unable to process template language expressions: {error}.") from error
        except Unbuilt as error:
            raise not_implemented(TYPE, f"the template function {error}") from error

    def _functions(self, reference: Reference | None) -> Functions:
        group = self._scope.group
        subscription = f"/subscriptions/{self._scope.subscription}"
        functions: dict[str, Callable[..., Any]] = {
            "parameters": lambda name: _known("parameter", name, self._parameters),
            "variables": lambda name: self._value(_known("variable", name, _lower(self._variables))),
            "concat": _concat,
            "format": lambda text, *values: text.format(*values),
            "tolower": lambda text: text.lower(),
            "toupper": lambda text: text.upper(),
            "resourcegroup": lambda: {key: group[key] for key in ("id", "name", "location", "tags") if key in group},
            "subscription": lambda: {"id": subscription, "subscriptionId": self._scope.subscription},
            "resourceid": self._resource_id,
        }
        if reference is not None:
            functions["reference"] = lambda name, _version=None, full="": self._referred(name, full, reference)
        return functions

    def _resource_id(self, *words: str) -> str:
        """resourceId([subscription,] [group,] type, name…): the type is the first word with a slash."""
        at = next((i for i, word in enumerate(words) if "/" in word), None)
        if at is None or at > 2:
            raise Broken("the function 'resourceId' takes a type and names")
        group = words[at - 1] if at else str(self._scope.group["name"])
        subscription = words[0] if at == 2 else self._scope.subscription
        return _id(f"/subscriptions/{subscription}/resourceGroups/{group}", words[at], *words[at + 1 :])

    def _referred(self, name: str, full: str, reference: Reference) -> Any:
        by_id = {resource.id.lower(): resource for resource in self.resources}
        found = reference(name if name.startswith("/") else by_id[self._meant(name.lower(), by_id)].id)
        return found if full.lower() == "full" else found.get("properties", {})


def invalid(why: str) -> ArmError:
    """The refusal of a template."""
    return bad_request("InvalidTemplate", f"Deployment template validation failed: '{why.rstrip('.')}.'.")


def _id(scope: str, type_: str, *names: str) -> str:
    provider, *segments = type_.split("/")
    if not segments or len(segments) != len(names) or not all((provider, *segments, *names)):
        raise invalid(
            f"The template resource '{'/'.join(names)}' of type '{type_}' has an incorrect segment length: a nested resource type must have identical number of segments as its resource name."
        )
    return f"{scope}/providers/{provider}" + "".join(f"/{s}/{n}" for s, n in zip(segments, names, strict=True))


def _known(what: str, name: str, values: Mapping[str, Any]) -> Any:
    if name.lower() not in values:
        raise Broken(f"the template {what} '{name}' is not found")
    return values[name.lower()]


def _lower(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in values.items()}


def _concat(*values: Any) -> Any:
    if values and all(isinstance(value, list) for value in values):
        return [entry for value in values for entry in value]
    return "".join(str(value) for value in values)
