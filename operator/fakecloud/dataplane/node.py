"""One node's part of the data plane: the fabric, its link, machine addresses and routes. Level-triggered."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fakecloud.dataplane import netns, nftables
from fakecloud.dataplane.world import World

log = logging.getLogger(__name__)
FABRIC: Final = "fakecloud"
PROTOCOL: Final = "77"
"""Marks the routes as ours (rtnetlink's free range of protocol numbers)."""


class Node:
    """What the agent keeps on the node `name`. `apply` may be repeated, and begun again after being killed anywhere."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tables: dict[str, str] = {}

    async def apply(self, world: World) -> list[str]:
        """Bring the node to the world; returns what could not be carried, and why. Raises CommandError, OSError."""
        outside = await netns.inside(None, _make_link)
        await netns.inside(FABRIC, _prepare_fabric)
        await self._load(FABRIC, nftables.fabric(world))
        complaints = await netns.inside(None, lambda: self._addresses_and_routes(world))
        await self._load(None, nftables.node(world, self._name, outside))
        return complaints

    async def remove(self) -> None:
        """Leave nothing of ours on the node."""
        await netns.inside(None, lambda: self._addresses_and_routes(None))
        await netns.inside(None, _remove_link)

    async def _load(self, where: str | None, text: str) -> None:
        if self._tables.get(where or "") != text:
            await netns.inside(where, lambda: netns.call("nft", "-f", "-", stdin=text))
            self._tables[where or ""] = text

    def _addresses_and_routes(self, world: World | None) -> list[str]:
        complaints = []
        machines = world.machines if world else ()
        here = {machine.address for machine in machines if machine.node == self._name}
        routes = {f"{m.address}": f"via {m.node_address}" for m in machines if m.node != self._name}
        foreign = list(_foreign_prefixes())
        for prefix in (*world.closed, *world.network) if world else ():
            if nftables.overlaps(prefix, foreign):
                complaints.append(f"{prefix} overlaps a network of this node: it is in ARM only")
            else:
                routes[prefix.removesuffix("/32")] = f"via {nftables.FABRIC_END}"
        lines = []
        ours = {a["local"] for a in _loopback() if a.get("label") == "lo:fake"}
        lines += [f"address add {a}/32 dev lo label lo:fake" for a in sorted(here - ours)]
        lines += [f"address del {a}/32 dev lo" for a in sorted(ours - here)]
        known = {
            str(r["dst"]): f"via {r['gateway']}"
            for r in netns.ip_json("route", "show", "proto", PROTOCOL)
            if "gateway" in r
        }
        lines += [f"route replace {d} {v} proto {PROTOCOL}" for d, v in routes.items() if known.get(d) != v]
        lines += [f"route del {d} {v} proto {PROTOCOL}" for d, v in known.items() if d not in routes]
        netns.script(lines)
        return complaints


def _make_link() -> str:
    """Make the fabric and the link to it where they are missing; returns the device that leads outside."""
    if not netns.exists(FABRIC):
        netns.call("ip", "netns", "add", FABRIC)
    if not any(link["ifname"] == nftables.NODE_DEVICE for link in netns.ip_json("link", "show")):
        peer = ("peer", "name", nftables.FABRIC_DEVICE, "netns", FABRIC)
        netns.call("ip", "link", "add", nftables.NODE_DEVICE, "type", "veth", *peer)
    if not any(a.get("local") == nftables.NODE_END for a in _addresses(nftables.NODE_DEVICE)):
        netns.call("ip", "address", "add", f"{nftables.NODE_END}/30", "dev", nftables.NODE_DEVICE)
    netns.call("ip", "link", "set", nftables.NODE_DEVICE, "up")
    default = netns.ip_json("route", "show", "default")
    return str(default[0]["dev"]) if default else "lo"


def _prepare_fabric() -> None:
    if not any(a.get("local") == nftables.FABRIC_END for a in _addresses(nftables.FABRIC_DEVICE)):
        netns.call("ip", "address", "add", f"{nftables.FABRIC_END}/30", "dev", nftables.FABRIC_DEVICE)
    netns.call("ip", "link", "set", "lo", "up")
    netns.call("ip", "link", "set", nftables.FABRIC_DEVICE, "up")
    netns.call("ip", "route", "replace", "default", "via", nftables.NODE_END)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _remove_link() -> None:
    netns.call("nft", "-f", "-", stdin=nftables.removal(nftables.NODE_TABLE))
    if any(link["ifname"] == nftables.NODE_DEVICE for link in netns.ip_json("link", "show")):
        netns.call("ip", "link", "del", nftables.NODE_DEVICE)
    if netns.exists(FABRIC):
        netns.call("ip", "netns", "del", FABRIC)


def _addresses(device: str) -> list[dict[str, str]]:
    return [a for link in netns.ip_json("-4", "address", "show", "dev", device) for a in link.get("addr_info") or ()]


def _loopback() -> list[dict[str, str]]:
    return _addresses("lo")


def _foreign_prefixes() -> Iterable[str]:
    """The networks that the node itself uses: its routes, but for the default and ours."""
    for route in netns.ip_json("route", "show"):
        if route["dst"] != "default" and str(route.get("protocol")) != PROTOCOL:
            yield str(route["dst"])
