"""Kinds that the API has and this version does not reconcile yet: it says so, and lets them go."""

from collections.abc import Iterable
from typing import Any

from aks_operator.keys import Key
from aks_operator.kinds.base import World
from aks_operator.outcome import RELEASE, Hold, Outcome
from aks_operator.session import Operation


class UnbuiltReconciler:
    """See engine.Reconciler."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def reconcile(self, key: Key, obj: Any) -> Outcome:
        """See engine.Reconciler."""
        if obj.metadata.deletion_timestamp is not None:
            return RELEASE
        raise Hold("NotSupported", f"{key.kind} is not built yet: nothing was made in Azure for it")

    def operations(self, key: Key, obj: Any, resources: Iterable[str]) -> Iterable[Operation]:
        """See engine.Reconciler."""
        return ()
