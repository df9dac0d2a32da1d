"""Models → CustomResourceDefinitions: structural schemas, described and bounded, with CEL and columns."""

from typing import Any, Final

import yaml

from aks_operator.api.base import RULES, SAYS
from aks_operator.api.rules import COLUMNS, ROOT_RULES, SCHEMA_RULES
from aks_operator.api.v1alpha1 import GROUP, KINDS, VERSION, Root

FREE_MAPS: Final = frozenset({"azure"})
"""Fields that hold whatever Azure's own API takes."""
_KEPT: Final = (
    "type",
    "description",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
)
_VALIDATIONS: Final = "x-kubernetes-validations"
INT_OR_STRING_LENGTH: Final = 16


def manifests() -> dict[str, str]:
    """YAML by file name, one file a kind, in a stable order."""
    return {f"{model.PLURAL}.yaml": to_yaml(definition(kind, model)) for kind, model in KINDS.items()}


def to_yaml(document: dict[str, Any]) -> str:
    """One YAML document, keys in our order."""
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, width=160, allow_unicode=True)


def definition(kind: str, model: type[Root]) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    subresources: dict[str, Any] = {"status": {}}
    if kind == "NodePool":
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{model.PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": model.PLURAL,
                "singular": kind.lower(),
                **({"shortNames": [model.SHORT_NAME]} if kind.lower() != model.SHORT_NAME else {}),
                "categories": ["aks"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": subresources,
                    "additionalPrinterColumns": _columns(kind),
                    "schema": {"openAPIV3Schema": schema(kind, model)},
                }
            ],
        },
    }


def schema(kind: str, model: type[Root]) -> dict[str, Any]:
    """The structural schema of a kind's whole object."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    definitions = raw.get("$defs", {})
    properties = {
        name: _structural(raw["properties"][name], definitions)
        | {"description": raw["properties"][name]["description"]}
        for name in ("spec", "status")
    }
    _drop_defaults(properties["status"])
    return {
        "type": "object",
        "description": (model.__doc__ or "").strip(),
        "required": ["spec"],
        "properties": properties,
        "x-kubernetes-validations": ROOT_RULES[kind],
    }


def _structural(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema as pydantic writes it → one that Kubernetes takes: no references, no null, no defaults of null."""
    given = dict(node)
    node = _resolved(node, definitions)
    if (default := given.get("default")) is not None or "default" in given:
        node["default"] = default
    description = given.get("description") or node.get("description")
    if "anyOf" in node:
        return _int_or_string(node, description)
    rules = _rules(node)
    result: dict[str, Any] = {key: node[key] for key in _KEPT if key in node}
    if description:
        result["description"] = " ".join(description.split())
    if "const" in node:
        result |= {"type": "string", "enum": [node["const"]]}
    if result.get("type") == "integer":
        result["format"] = "int32" if "maximum" in result else "int64"
    default = node.get("default")
    if default is not None:
        result["default"] = _without_nulls(default)
        if description:
            result["description"] += _told(default)
    if result.get("type") == "array":
        result["items"] = _structural(node["items"], definitions)
        if node.get("title") == "Conditions" or _names(result["items"]) >= {"lastTransitionTime", "type"}:
            result |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    if result.get("type") == "object":
        _fill_object(result, node, definitions)
        rules += [*SCHEMA_RULES.get(node.get("title", ""), []), *_rules_of_keys(node)]
    if rules:
        result[_VALIDATIONS] = rules
    return result


def _rules(node: dict[str, Any]) -> list[dict[str, str]]:
    """What is written beside a value's type. A pattern is a rule too: of a schema's own pattern users would be shown the letters."""
    rules = list(node.get(RULES, ()))
    return [*rules, {"rule": _matches("self", node), "message": node[SAYS]}] if "pattern" in node else rules


def _rules_of_keys(node: dict[str, Any]) -> list[dict[str, str]]:
    """A map's keys have no schema in Kubernetes. Pydantic writes their pattern beside the values' schema."""
    keys = node.get("propertyNames", {})
    return [
        {
            "rule": f"self.all(k, size(k) <= {keys['maxLength']} && {_matches('k', {'pattern': pattern})})",
            "message": keys[SAYS],
        }
        for pattern in node.get("patternProperties", ())
    ]


def _matches(value: str, node: dict[str, Any]) -> str:
    return f"{value}.matches(r'{node['pattern']}')"


def _fill_object(result: dict[str, Any], node: dict[str, Any], definitions: dict[str, Any]) -> None:
    if "properties" in node:
        result["properties"] = {name: _structural(child, definitions) for name, child in node["properties"].items()}
        for name in FREE_MAPS & result["properties"].keys():
            free = result["properties"][name]
            result["properties"][name] = {
                "type": "object",
                "description": free["description"],
                "x-kubernetes-preserve-unknown-fields": True,
            }
        if node.get("required"):
            result["required"] = list(node["required"])
    else:
        patterned: dict[str, Any] = node.get("patternProperties", {})
        values = next(iter(patterned.values()), node.get("additionalProperties"))
        value = (
            _structural(values, definitions)
            if isinstance(values, dict) and values
            else {"type": "string", "maxLength": 256}
        )
        result["additionalProperties"] = value


def _int_or_string(node: dict[str, Any], description: str | None) -> dict[str, Any]:
    """A field that takes a number or a string (a port's name, a percentage)."""
    options = {option["type"]: option for option in node["anyOf"]}
    number, text = options["integer"], options["string"]
    bounds = f"self >= {number['minimum']} && self <= {number['maximum']}"
    rule = f"type(self) == int ? ({bounds}) : {_matches('self', text)}"
    return {
        "x-kubernetes-int-or-string": True,
        "maxLength": INT_OR_STRING_LENGTH,
        **({"description": description} if description else {}),
        _VALIDATIONS: [{"rule": rule, "message": text[SAYS]}],
    }


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The node itself: behind its reference, and without the null that an optional field may be."""
    node = dict(node)
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        node = {**_resolved(target, definitions), **{k: v for k, v in node.items() if k not in {"$ref", "default"}}}
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        rest = {key: value for key, value in node.items() if key not in {"anyOf", "title"}}
        return {**_resolved(options[0], definitions), **rest}
    return node


def _without_nulls(value: Any) -> Any:
    return {k: _without_nulls(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def _drop_defaults(node: dict[str, Any]) -> dict[str, Any]:
    """The same schema without defaults: a status says what was observed, and nothing else."""
    if "default" in node:
        node["description"] = node["description"].removesuffix(_told(node.pop("default")))
    for child in [*node.get("properties", {}).values(), *([node["items"]] if "items" in node else [])]:
        _drop_defaults(child)
    return node


def _told(default: Any) -> str:
    """A default as descriptions say it, since `kubectl explain` shows none; nothing for one that is not simple."""
    return f" Default: {default}." if isinstance(default, str | int) else ""


def _names(node: dict[str, Any]) -> set[str]:
    return set(node.get("properties", ()))


def _columns(kind: str) -> list[dict[str, Any]]:
    """Owner, Ready, reason, what counts, wide-only details, age."""
    ready = [
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Reason", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].reason'},
    ]
    owner = [c for c in COLUMNS[kind] if c["name"] == "Cluster"]
    rest = [c for c in COLUMNS[kind] if c not in owner]
    age = [{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]
    return [*owner, *ready, *rest, *age]


class _Plain(yaml.SafeDumper):
    """YAML without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """See yaml.Dumper."""
        return True
