"""The operator's own HTTP server: /healthz, /readyz, /metrics. It serves on a standby too."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from aks_operator.metrics import Metrics


class HealthServer:
    """`healthy` says whether the process should live; `refresh` brings the gauges up to date before they are read."""

    def __init__(self, metrics: Metrics, healthy: Callable[[], str | None], refresh: Callable[[], None]) -> None:
        self._metrics = metrics
        self._healthy = healthy
        self._refresh = refresh
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self, port: int) -> None:
        """Listen on `port` (0: a free one, then in `self.port`)."""
        app = web.Application()
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/metrics", self._serve_metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "0.0.0.0", port)  # noqa: S104  # a pod's kubelet and scraper come from outside
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        complaint = self._healthy()
        return web.Response(text=complaint or "ok", status=503 if complaint else 200)

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _serve_metrics(self, _: web.Request) -> web.Response:
        self._refresh()
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
