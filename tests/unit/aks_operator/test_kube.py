"""Our client of Kubernetes: what a refusal becomes, and which writes are guarded."""

import ssl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from aks_operator.kube import KubeClient, KubeError
from aks_operator.kubeconfig import Access
from tests.unit.aks_operator.apiserver import ApiServer, serving, status

POOL = "/apis/aks-operator.io/v1alpha1/namespaces/ns/nodepools/np"
FINALIZER = "aks-operator.io/finalizer"


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[KubeClient]:
    async with serving(server) as client:
        yield client


TERMINATING = 'pods "x" is forbidden: unable to create new content in namespace ns because it is being terminated'


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(status(409, "Conflict", "it changed"), (409, "Conflict", "it changed"), id="metav1.Status"),
        pytest.param(status(403, "Forbidden", TERMINATING), (403, "Forbidden", TERMINATING), id="going namespace"),
        pytest.param(
            web.Response(status=404, text="404 page not found\n"), (404, "404", "404 page not found"), id="plain text"
        ),
        pytest.param(
            web.Response(status=502, text="<html>" + "x" * 500), (502, "502", "<html>" + "x" * 194), id="a proxy"
        ),
        pytest.param(web.Response(status=503), (503, "503", ""), id="nothing"),
        pytest.param(web.Response(status=500, text="[1]"), (500, "500", "[1]"), id="JSON that is no object"),
        pytest.param(web.Response(status=500, body=b"\xff\xfe"), (500, "500", "\ufffd\ufffd"), id="no text at all"),
        pytest.param(web.json_response({}, status=429), (429, "429", ""), id="an empty object"),
    ],
)
async def test_a_refusal_keeps_what_was_said(
    server: ApiServer, kube: KubeClient, answer: web.Response, expected: tuple[int, str, str]
) -> None:
    server.refuse = lambda method, path: answer
    with pytest.raises(KubeError) as refused:
        await kube.request("GET", POOL)
    error = refused.value
    assert (error.status, error.reason, str(error)) == expected
    assert error.terminating_namespace is (str(error) == TERMINATING)


async def test_no_answer_is_a_status_of_its_own(server: ApiServer, kube: KubeClient) -> None:
    def hang_up(method: str, path: str) -> web.StreamResponse:
        raise ConnectionResetError

    server.refuse = hang_up
    with pytest.raises(KubeError) as refused:
        await kube.request("POST", POOL, {"metadata": {"name": "x"}, "data": {"password": "s3cret"}})
    assert refused.value.status in {0, 500}
    assert "s3cret" not in str(refused.value)


async def test_what_is_not_there_is_none_and_deleted(kube: KubeClient) -> None:
    assert await kube.get(POOL) is None
    await kube.delete(POOL)


async def test_a_finalizer_goes_on_only_if_nothing_changed_meanwhile(server: ApiServer, kube: KubeClient) -> None:
    for others in ([], ["other"]):
        seen = server.put(POOL, {"metadata": {"finalizers": others}})
        answer = await kube.add_finalizer(POOL, seen, FINALIZER)
        assert answer["metadata"]["finalizers"] == [*others, FINALIZER]
        with pytest.raises(KubeError) as refused:
            await kube.add_finalizer(POOL, seen, FINALIZER)
        assert refused.value.status == 422


async def test_only_our_finalizer_goes(server: ApiServer, kube: KubeClient) -> None:
    seen = server.put(POOL, {"metadata": {"finalizers": ["a", FINALIZER, "b"], "deletionTimestamp": "now"}})
    answer = await kube.remove_finalizer(POOL, seen, FINALIZER)
    assert answer is not None
    assert answer["metadata"]["finalizers"] == ["a", "b"]
    assert await kube.remove_finalizer(POOL, answer, FINALIZER) == answer
    assert len(server.writes) == 1, "nothing is written when there is nothing to remove"
    del server.objects[POOL]
    assert await kube.remove_finalizer(POOL, seen, FINALIZER) is None


async def test_a_status_is_written_only_to_the_object_that_it_is_about(server: ApiServer, kube: KubeClient) -> None:
    server.put(POOL, {"metadata": {"uid": "new"}})
    with pytest.raises(KubeError) as refused:
        await kube.replace_status(POOL, "old", {"id": "x"})
    assert refused.value.status == 422
    answer = await kube.replace_status(POOL, "new", {"id": "x"})
    assert answer["status"] == {"id": "x"}


async def test_a_collection_is_read_page_by_page(server: ApiServer, kube: KubeClient) -> None:
    pages = iter([{"items": [{"n": 1}], "metadata": {"continue": "abc"}}, {"items": [{"n": 2}], "metadata": {}}])
    server.refuse = lambda method, path: web.json_response(next(pages))
    assert [item["n"] async for item in kube.pages("/api/v1/pods")] == [1, 2]


@pytest.mark.parametrize(
    "path", ["@evil.example/api", ":1@evil.example/", ".evil.example/", "", "https://evil.example/"]
)
async def test_what_would_lead_to_another_server_is_no_path(server: ApiServer, kube: KubeClient, path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        await kube.request("GET", path)
    assert server.requests == []


async def test_a_server_that_leads_elsewhere_is_not_followed(server: ApiServer, kube: KubeClient) -> None:
    server.refuse = lambda method, path: (
        web.Response(status=307, headers={"Location": "/api/elsewhere"}) if path == "/api/here" else None
    )
    for method in ("GET", "PATCH"):
        with pytest.raises(KubeError, match="redirect") as refused:
            await kube.request(method, "/api/here")
        assert refused.value.status == 0
    assert {path for _, path, *_ in server.requests} == {"/api/here"}


async def test_a_client_certificate_is_shown_and_its_key_is_left_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path
    ours, authority = trustme.CA(), trustme.CA()
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(serving)
    ours.configure_trust(serving)
    serving.verify_mode = ssl.CERT_REQUIRED
    app = web.Application()
    server = ApiServer()
    server.put("/api", {"seen": True})
    app.router.add_get("/api", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0, ssl_context=serving).start()
    leaf = ours.issue_cert("admin")
    found = Access(
        f"https://localhost:{runner.addresses[0][1]}",
        authority.cert_pem.bytes().decode(),
        None,
        certificate=leaf.cert_chain_pems[0].bytes(),
        key=leaf.private_key_pem.bytes(),
    )
    client = KubeClient.of_cluster(found)
    try:
        assert not any(folder.iterdir())
        assert (await client.get("/api") or {})["seen"]
    finally:
        await client.close()
        await runner.cleanup()


async def test_a_certificate_that_is_none_is_said_and_not_shown() -> None:
    for broken in (
        Access("https://localhost", "garbage", None, token="t0ken"),
        Access("https://localhost", None, None, certificate=b"s3cret", key=b"s3cret"),
    ):
        with pytest.raises(ValueError, match="as PEM") as refused:
            KubeClient.of_cluster(broken)
        assert "s3cret" not in repr(refused.value) + repr(broken)
        assert refused.value.__context__ is None
