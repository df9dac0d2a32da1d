"""Usages of Microsoft.Compute: vCPUs of a region in all and by family."""

from fakecloud.arm import quotas
from fakecloud.arm.locations import LOCATIONS, normal
from fakecloud.arm.types import Answer, Call, Fidelity, ResourceType
from fakecloud.arm.usages import no_location, usage
from fakecloud.providers.containerservice import cores
from fakecloud.providers.containerservice.machines import MACHINE_TYPE, POOL_TYPE

FAMILIES = (
    "standardBSFamily",
    "standardDSv5Family",
    "standardDDSv5Family",
    "standardDASv5Family",
    "standardESv5Family",
)
"""Families that are told of even when nobody has machines of them."""
SPELLED = {
    quotas.CORES: "Total Regional vCPUs",
    quotas.SPOT_CORES: "Total Regional Spot vCPUs",
    "virtualMachines": "Virtual Machines",
    "virtualMachineScaleSets": "Virtual Machine Scale Sets",
}


class ComputeUsages(ResourceType):
    """Microsoft.Compute/locations/usages."""

    type = "Microsoft.Compute/locations/usages"
    fidelity = Fidelity(
        exact=("vCPUs of a region in all, of Spot machines and by family, and their limits (M)",),
        simplified=(
            "limits are those of `--quota` and of the lever; what nobody limited shows a million",
            "vCPUs and family come from a size's name; vCPUs of stopped clusters do not count",
        ),
    )
    verbs = ("LIST",)

    async def list(self, call: Call) -> Answer:
        """See ResourceType."""
        location = normal(call.target.names[0])
        if location not in LOCATIONS:
            raise no_location(location)
        subscription = call.target.subscription
        have = cores.used(self.context, subscription, location)
        pools = [pool["id"] for pool in self.store.resources(POOL_TYPE) if self._is_here(pool["id"], location, call)]
        machines = sum(len(self.context.children(pool, MACHINE_TYPE)) for pool in pools)
        counts = {
            quotas.CORES: have.pop(quotas.CORES, 0),
            quotas.SPOT_CORES: have.pop(quotas.SPOT_CORES, 0),
            "virtualMachines": machines,
            "virtualMachineScaleSets": len(pools),
            **dict.fromkeys(FAMILIES, 0),
            **have,
        }
        told = {name.lower() for name in counts}
        counts |= {name: 0 for name in self.context.quotas.names if name.endswith("family") and name not in told}
        found = [
            usage(name, SPELLED.get(name, _family(name)), count, self.context.quotas.of(location, name))
            for name, count in counts.items()
        ]
        return Answer(200, {"value": found})

    def _is_here(self, pool: str, location: str, call: Call) -> bool:
        cluster = self.context.resource(pool.rpartition("/agentPools/")[0])
        mine = pool.lower().startswith(f"/subscriptions/{call.target.subscription}/".lower())
        return mine and cluster is not None and bool(cluster["location"] == location)


def _family(name: str) -> str:
    """ "standardDSv5Family" as "Standard DSv5 Family vCPUs"."""
    return f"Standard {name.removeprefix('standard').removesuffix('Family')} Family vCPUs"
