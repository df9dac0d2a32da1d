"""Health probes, sent from the fabric as the cloud's balancer sends them."""

import asyncio
import ssl
from collections.abc import Callable, Sequence

import aiohttp

from fakecloud.dataplane import netns
from fakecloud.dataplane.node import FABRIC
from fakecloud.dataplane.world import Probe

TIMEOUT = 5.0


async def answers(probe: Probe) -> bool:
    """Whether the backend answers now: a TCP handshake, or status 200 to a GET. Certificates are not looked at, as Azure does."""
    try:
        async with asyncio.timeout(min(TIMEOUT, probe.interval)):
            if probe.protocol == "Tcp":
                return await _connects(probe)
            return await _says_ok(probe)
    except (OSError, TimeoutError, aiohttp.ClientError):
        return False


async def _connects(probe: Probe) -> bool:
    made = netns.enter(FABRIC, netns.stream_socket)
    try:
        await asyncio.get_running_loop().sock_connect(made, (probe.machine, probe.port))
    finally:
        made.close()
    return True


async def _says_ok(probe: Probe) -> bool:
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    connector = aiohttp.TCPConnector(ssl=tls, socket_factory=lambda _: netns.enter(FABRIC, netns.stream_socket))
    url = f"{probe.protocol.lower()}://{probe.machine}:{probe.port}{probe.path}"
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(url, allow_redirects=False) as answer,
    ):
        return answer.status == 200


class Prober:
    """Probes at work. `changed` is called when a backend's state changed; the first answer counts at once."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._tasks: dict[Probe, asyncio.Task[None]] = {}
        self._up: dict[Probe, bool] = {}

    @property
    def complete(self) -> bool:
        """Whether every probe was answered, or not, at least once."""
        return self._tasks.keys() <= self._up.keys()

    def up(self) -> list[Probe]:
        """The probes whose backend is up."""
        return [probe for probe, up in self._up.items() if up]

    def want(self, probes: Sequence[Probe]) -> None:
        """Probe exactly these."""
        for probe in self._tasks.keys() - set(probes):
            self._tasks.pop(probe).cancel()
            self._up.pop(probe, None)
        for probe in probes:
            if probe not in self._tasks:
                self._tasks[probe] = asyncio.ensure_future(self._keep_probing(probe))

    async def _keep_probing(self, probe: Probe) -> None:
        streak = 0
        while True:
            answer = await answers(probe)
            known = self._up.get(probe)
            streak = streak + 1 if answer != known else 0
            if known is None or streak >= probe.threshold:
                self._up[probe], streak = answer, 0
                self._changed()
            await asyncio.sleep(probe.interval)
