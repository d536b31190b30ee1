"""Requests to an app, over real sockets."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from anyio.from_thread import start_blocking_portal

from host_agent.app import Response
from host_agent.app.running import AppRun
from host_agent.listener import Listener
from host_agent.metrics import Metrics
from host_agent.store import StoreFull


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """Asks an app that listens."""

    def __init__(self, url: str, metrics: Metrics) -> None:
        self.address = url.removeprefix("http://")
        self._metrics = metrics

    def ask(self, target: str = "/", method: str = "GET", body: bytes = b"", **headers) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, target, body, named)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def count(self, result: str) -> float:
        name = "thingwarden_app_requests_total"
        return self._metrics.registry.get_sample_value(name, {"result": result}) or 0


@pytest.fixture
def serve(store, agent) -> Iterator[Callable[..., Client]]:
    """serve(handler, trusted_proxies=(), handler_s=10) starts the app with that handler."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())

        def serve(handler, trusted_proxies=(), handler_s=10.0) -> Client:
            agent.on_request(handler)
            metrics = Metrics()
            run = AppRun(agent, store, metrics, handler_s)
            app = run.requests_app("127.0.0.1", trusted_proxies)
            listener = stack.enter_context(Listener(app, "127.0.0.1", 0))

            async def work(*, task_status) -> None:
                run.start()
                task_status.started()
                await listener.serve()
                await run.stop(1)

            future, _ = portal.start_task(work)
            stack.callback(future.result, 20)
            stack.callback(portal.call, listener.stop)
            return Client(listener.url, metrics)

        yield serve


def test_a_handler_sees_the_whole_request(serve):
    seen = []
    client = serve(seen.append)
    assert (
        client.ask("/a%20b/%3F%23c?x=1&x=2&y=&z=%C3%A9", "PURGE", b"body", X_Thing="1").status
        == 204
    )
    (request,) = seen
    assert (request.method, request.path, request.body) == ("PURGE", "/a b/?#c", b"body")
    assert request.query == {"x": "2", "y": "", "z": "é"}
    assert request.headers["x-thing"] == "1"
    assert request.client == request.headers["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize(("target", "path"), [("/a%0Ab", "/a\nb"), ("//x/", "//x/"), ("*", "*")])
def test_any_path_gets_to_the_handler(serve, target, path):
    answer = serve(lambda request: [request.path]).ask(target, "OPTIONS")
    assert (answer.status, json.loads(answer.body)) == (200, [path])


@pytest.mark.parametrize(
    ("returned", "status", "body", "media_type"),
    [
        (None, 204, b"", None),
        ("on", 200, b"on", "text/plain; charset=utf-8"),
        ({"state": "on"}, 200, b'{"state": "on"}', "application/json"),
        ([1, None], 200, b"[1, null]", "application/json"),
        (Response(), 200, b"", "text/plain; charset=utf-8"),
        (Response(404, "no\n"), 404, b"no\n", "text/plain; charset=utf-8"),
        (Response(204, "ignored"), 204, b"", None),
        (Response(200, b"\x00"), 200, b"\x00", "application/octet-stream"),
        (Response(200, "<p>", {"Content-Type": "text/html"}), 200, b"<p>", "text/html"),
    ],
    ids=["None", "str", "dict", "list", "empty", "404", "204", "bytes", "html"],
)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_what_a_handler_returns_is_the_answer(serve, returned, status, body, media_type, is_async):
    async def coroutine(_):
        return returned

    client = serve(coroutine if is_async else lambda _: returned)
    answer = client.ask()
    assert (answer.status, answer.body) == (status, body)
    found = answer.headers.get("content-type")
    assert found == (f"{media_type}; charset=utf-8" if media_type == "text/html" else media_type)
    assert client.count("answered") == 1


@pytest.mark.parametrize(
    "returned",
    [
        7,
        {1, 2},
        {"x": float("nan")},
        {"x": object()},
        "\ud800",
        Response(99),
        Response("200"),
        Response(200, 7),
        Response(200, "x", {"a b": "c"}),
        Response(200, "x", {"a": "b\r\nset-cookie: c"}),
        Response(200, "x", {"content-length": "0"}),
        Response(200, "x", {"Content-Length": "0"}),
        Response(200, "x", {1: "a"}),
        Response(200, "x", None),
        Response(200, "x", [("a", "b")]),
    ],
    ids=[
        *("number", "set", "nan", "object", "surrogate", "99", "text status", "body", "name"),
        *("injection", "length", "Length", "number as name", "no headers", "list of headers"),
    ],
)
def test_an_answer_that_cannot_be_sent_is_a_plain_500_and_told(serve, caplog, returned):
    client = serve(lambda _: returned)
    assert (client.ask().status, client.ask().body) == (500, b"the app failed\n")
    assert "gave an answer that cannot be sent" in caplog.text
    assert client.count("failed") == 2


def test_a_handler_that_raises_is_a_500_without_its_traceback(serve, caplog):
    def handle(request):
        raise RuntimeError("the secret of " + request.path)

    client = serve(handle)
    answer = client.ask("/x")
    assert (answer.status, answer.body) == (500, b"the app failed\n")
    assert "the secret of /x" in caplog.text and "in handle" in caplog.text
    assert client.count("failed") == 1


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("device", "name", "status", "said"),
    [
        ("nobody", "power", 404, b"there is no such device\n"),
        ("hvac", "no name", 409, b"the command cannot be given\n"),
    ],
    ids=["device", "command"],
)
def test_what_send_refuses_is_told_as_what_it_is(
    serve, agent, store, device, name, status, said, is_async
):
    async def coroutine(request):
        await agent.send(device, name, event=agent.create_external_event("power", request, "hvac"))

    def plain(request):
        event = agent.create_external_event("power", request, "hvac")
        agent.send(device, name, event=event).result()

    client = serve(coroutine if is_async else plain)
    answer = client.ask()
    assert (answer.status, answer.body) == (status, said)
    assert client.count("refused") == 1
    assert (store.events(), store.commands.list()) == ([], [])


def test_a_full_store_is_a_503_that_names_no_path(serve):
    def handle(_):
        raise StoreFull("the store /var/lib/thingwarden/agent.db is full")

    client = serve(handle)
    answer = client.ask()
    assert (answer.status, answer.body) == (503, b"the agent has no room for it\n")
    assert answer.headers["retry-after"] == "30"
    assert client.count("refused") == 1


def test_a_handler_that_hangs_is_a_504(serve):
    gate = threading.Event()
    client = serve(lambda _: gate.wait(60), handler_s=0.1)
    assert client.ask().status == 504
    gate.set()
    assert client.count("hung") == 1


def test_a_body_has_its_limit(serve):
    sizes = []

    def handle(request):
        sizes.append(len(request.body))

    client = serve(handle)
    assert client.ask(method="POST", body=b"x" * 65_536).status == 204
    assert client.ask(method="POST", body=b"x" * 65_537).status == 413
    assert sizes == [65_536]
    assert client.count("too_large") == 1


def test_requests_at_a_time_have_their_limit(serve, eventually):
    gate = threading.Event()
    client = serve(lambda _: gate.wait(60) and None)
    with ExitStack() as stack:
        for _ in range(64):
            host, port = client.address.split(":")
            connection = stack.enter_context(socket.create_connection((host, int(port))))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = eventually(lambda: next((a for a in [client.ask()] if a.status == 503), None))
        assert answer.headers["retry-after"] == "1"
        gate.set()
    eventually(lambda: client.ask().status == 204)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "client"),
    [
        ([], "203.0.113.9", "127.0.0.1"),
        (["10.0.0.0/8"], "203.0.113.9", "127.0.0.1"),
        (["127.0.0.1"], "203.0.113.9", "203.0.113.9"),
        (["127.0.0.0/8"], "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (["127.0.0.1", "203.0.113.9"], "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (["127.0.0.1"], "nonsense", "127.0.0.1"),
        (["127.0.0.1"], "", "127.0.0.1"),
    ],
    ids=["none", "other", "trusted", "chain", "two", "nonsense", "empty"],
)
def test_only_a_trusted_proxy_tells_where_a_request_comes_from(
    serve, agent, store, proxies, forwarded, client
):
    async def handle(request):
        await agent.send_event(agent.create_external_event("power", request, "hvac"))
        return [request.client, request.headers["x-forwarded-for"]]

    answer = serve(handle, proxies).ask(X_Forwarded_For=forwarded, User_Agent="curl/8 \xe9")
    assert json.loads(answer.body) == [client, client]
    caller = store.pending("hvac", 0, 1)[0].caller
    assert (caller.source_ip, caller.user_agent) == (client, "curl/8 \xe9")


def test_a_page_with_a_name_of_its_own_does_not_reach_it(serve):
    client = serve(lambda _: "ok")
    assert client.ask(Host="evil.example").status == 400
    assert client.ask(Host="localhost:8712").status == 200


def test_behind_a_proxy_it_has_the_proxys_name(serve):
    client = serve(lambda _: "ok", ["127.0.0.1"])
    assert client.ask(Host="hvac.example").status == 200


def test_an_app_without_such_a_handler_listens_to_nobody(agent, store):
    assert AppRun(agent, store, Metrics()).requests_app("127.0.0.1", []) is None
