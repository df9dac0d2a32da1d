"""A Kubernetes API over loopback that knows objects by path and nothing of their schema: for what is ours on this side.

That the real one agrees is tested in tests/cluster.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from aks_operator.kube import KubeClient


class ApiServer:
    """Objects by path, with resourceVersions. `refuse` is asked before every request and may answer in its place."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        """Method, path and body, in order."""
        self.refuse: Callable[[str, str], web.StreamResponse | None] = lambda method, path: None
        self._version = 0

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Keep an object as somebody else might have written it; returns it with its new resourceVersion."""
        self._version += 1
        meta = {"uid": f"uid-{path}", **body.get("metadata", {}), "resourceVersion": str(self._version)}
        kept = self.objects[path] = {**body, "metadata": meta}
        return kept

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        """The requests that were meant to change something."""
        return [request for request in self.requests if request[0] != "GET"]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        method, path = request.method, request.path
        raw = await request.read()
        body: Any = json.loads(raw) if raw else None
        self.requests.append((method, path, body))
        refusal = self.refuse(method, path)
        if refusal is not None:
            return refusal
        if method == "POST":
            name = body["metadata"].get("name") or f"{body['metadata']['generateName']}{len(self.requests)}"
            return self._create(f"{path}/{name}", body)
        main = path.removesuffix("/status")
        known = self.objects.get(main)
        if known is None:
            return status(404, "NotFound", f"{main} not found")
        if method == "PUT":
            if body["metadata"].get("resourceVersion") not in {None, known["metadata"]["resourceVersion"]}:
                return status(409, "Conflict", "the object has been modified")
            return web.json_response(self.put(main, body))
        if method == "PATCH":
            return self._patch(main, known, body)
        if method == "DELETE":
            del self.objects[main]
        return web.json_response(known)

    def _create(self, path: str, body: dict[str, Any]) -> web.StreamResponse:
        if path in self.objects:
            return status(409, "AlreadyExists", f"{path} already exists")
        return web.json_response(self.put(path, body), status=201)

    def _patch(self, path: str, known: dict[str, Any], operations: list[dict[str, Any]]) -> web.StreamResponse:
        changed = json.loads(json.dumps(known))
        for operation in operations:
            *way, last = operation["path"].strip("/").split("/")
            place: Any = changed
            for part in way:
                place = place[part]
            if operation["op"] == "test" and place.get(last) != operation["value"]:
                return status(422, "Invalid", "the server rejected our request: testing value failed")
            if operation["op"] == "add" and last == "-":
                place.append(operation["value"])
            elif operation["op"] == "add":
                place[last] = operation["value"]
            elif operation["op"] == "remove":
                del place[int(last) if isinstance(place, list) else last]
        if changed == known:
            return web.json_response(known)
        if changed["metadata"].get("deletionTimestamp") and not changed["metadata"].get("finalizers"):
            del self.objects[path]
            return web.json_response(changed)
        return web.json_response(self.put(path, changed))


def status(code: int, reason: str, message: str) -> web.Response:
    """metav1.Status, as the API server refuses."""
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return web.json_response(body, status=code)


@asynccontextmanager
async def serving(server: ApiServer) -> AsyncIterator[KubeClient]:
    """Our client, with `server` at the other end of a socket."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{port}"
    client = KubeClient(configuration, timeout=5.0)
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()
