"""What every model shares: camelCase on the wire, snake_case here, frozen."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

STRICT: Final = {"unknown_fields": "error"}
"""The validation context for files: there, an unknown field is a mistake."""
SAYS: Final = "x-says"
RULES: Final = "x-rules"


@dataclass(frozen=True)
class Says:
    """Beside a pattern: what to write. Kubernetes would show its users the pattern itself, so the CRD has a CEL rule instead."""

    message: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """See pydantic."""
        return {**handler(schema), SAYS: self.message}


@dataclass(frozen=True)
class Rule:
    """A CEL rule of a single value; `message` says what to write. The API server alone judges by it."""

    rule: str
    message: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """See pydantic."""
        inner = handler(schema)
        return {**inner, RULES: [*inner.get(RULES, ()), {"rule": self.rule, "message": self.message}]}


class ApiModel(BaseModel):
    """A part of a custom resource. Unknown fields from the API server are ignored: an older operator must survive newer CRDs."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context and info.context.get("unknown_fields") == "error" and isinstance(value, dict):
            known = {field.alias or name for name, field in cls.model_fields.items()} | set(cls.model_fields)
            if unknown := sorted(set(value) - known):
                raise ValueError(f"unknown field {unknown[0]!r}: correct or remove it")
        return value
