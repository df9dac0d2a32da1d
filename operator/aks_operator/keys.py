"""Names of the things that are reconciled: one key, one place in the work queue."""

from typing import NamedTuple


class Key(NamedTuple):
    """A custom resource (`kind` is one of ours) or a shared ARM document (`kind` is a `document:` one).

    For a document `namespace` is the CloudAccount's key as "namespace/name", and `name` the ARM id in lower case.
    """

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"

    @property
    def is_document(self) -> bool:
        """Whether this names a shared ARM document, not a custom resource."""
        return self.kind.startswith("document:")
