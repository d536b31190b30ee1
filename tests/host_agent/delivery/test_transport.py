"""How requests travel: over kept-alive connections, straight to the endpoint, TLS verified."""

import asyncio

from aiohttp import web

from tests.certificates import Authority
from tools import sandbox as sandboxes


def test_a_certificate_that_cannot_be_verified_gets_no_event(
    store, press, delivering, until, cloud, tmp_path
):
    async def scenario():
        async with (
            cloud(
                lambda _: web.Response(status=201), ssl_context=Authority(tmp_path).server()
            ) as endpoint,
            delivering(endpoint.url),
        ):
            await press("door", 1)
            await until(lambda: store.pending("door", 0, 1)[0].attempts)
            return endpoint.bodies

    assert asyncio.run(scenario()) == []
    assert "certificate" in store.events()[0].reason


def test_proxies_and_netrc_of_the_environment_do_not_matter(
    store, press, delivering, until, tmp_path, monkeypatch
):
    """A proxy would see every event, and .netrc would replace the credentials."""
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    async def scenario():
        async with sandboxes.running() as sandbox, delivering(sandbox.url):
            await press("door", 1)
            await until(lambda: store.stats().delivered)

    asyncio.run(scenario())


def test_a_connection_is_used_again(store, press, delivering, until, cloud):
    async def scenario():
        async with (
            cloud(lambda _: web.json_response({"status": "accepted"})) as endpoint,
            delivering(endpoint.url),
        ):
            await press("door", *range(1, 21))
            await until(lambda: store.stats().delivered == 20)
            return endpoint.connections

    assert len(asyncio.run(scenario())) == 1


def test_an_endless_answer_is_not_read_to_its_end(store, press, delivering, until, cloud):
    """The status has told everything; the connection is dropped instead."""

    async def scenario():
        async with (
            cloud(lambda _: web.Response(status=200, body=b"x" * 5_000_000)) as endpoint,
            delivering(endpoint.url),
        ):
            await press("door", 1, 2)
            await until(lambda: store.stats().delivered == 2)
            return endpoint.connections

    assert len(asyncio.run(scenario())) == 2
