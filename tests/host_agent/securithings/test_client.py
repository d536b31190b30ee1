"""The client against a real endpoint: what is sent, when, how often, and who is told."""

import base64
import json
import logging
import threading

import pytest

from host_agent.securithings import Event, SecuriThings, SecuriThingsError


def body_of(request: bytes):
    return json.loads(request.split(b"\r\n\r\n", 1)[1])


def test_an_event_arrives_with_headers_and_body(serve, outcome):
    endpoint = serve()
    response = outcome(endpoint.url)

    assert (response.statuscode, response.body) == (201, "{}")
    assert response.headers["x-trace"] == response.headers["X-Trace"] == "t-1"
    (request,) = endpoint.requests
    assert request.startswith(b"POST /api/v1/event HTTP/1.1\r\n")
    assert b"Authorization: Basic " + base64.b64encode(b"key-1:secret-1") in request
    assert body_of(request)["DEVICE_ID"] == "attic"
    assert body_of(request)["TIME"].endswith("000")


def test_send_returns_before_the_answer_and_close_waits_for_it(serve, open_client):
    def answer_when_released(connection):
        endpoint.released.wait()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    endpoint = serve(answer_when_released)
    client = open_client(endpoint.url)
    responses = []
    assert client.send_event(client.create_device_event("x"), responses.append) is True
    assert responses == []
    endpoint.released.set()
    client.close()
    assert [response.statuscode for response in responses] == [200]


def test_what_is_sent_is_the_event_at_the_time_of_the_call(serve, open_client):
    endpoint = serve()
    client = open_client(endpoint.url)
    event = client.create_device_event("x")
    event.add_param("a", 1)
    client.send_event(event)
    event.add_param("b", 2)
    client.send_event(event)
    event.add_param("c", 3)
    client.close()
    names = [[param["NAME"] for param in body_of(r)["PARAMS"]] for r in endpoint.requests]
    assert sorted(names) == [["a"], ["a", "b"]]


@pytest.mark.parametrize("status", [200, 204, 400, 401, 429, 500, 503])
def test_every_status_is_an_answer_and_nothing_is_retried(status, serve, outcome):
    endpoint = serve(
        lambda connection: connection.sendall(
            f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nRetry-After: 0\r\n\r\n".encode()
        )
    )
    assert outcome(endpoint.url).statuscode == status
    assert len(endpoint.requests) == 1


def test_a_redirect_is_not_followed(serve, outcome):
    elsewhere = serve()
    endpoint = serve(
        lambda connection: connection.sendall(
            f"HTTP/1.1 307 X\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n".encode()
        )
    )
    assert outcome(endpoint.url).statuscode == 307
    assert elsewhere.requests == []


def test_netrc_does_not_replace_the_credentials(serve, outcome, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    endpoint = serve()
    outcome(endpoint.url)
    assert base64.b64encode(b"key-1:secret-1") in endpoint.requests[0]


def test_the_proxy_of_the_environment_is_used(serve, outcome, monkeypatch):
    proxy = serve()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "")
    assert outcome("http://securithings.invalid/event").statuscode == 201
    assert proxy.requests[0].startswith(b"POST http://securithings.invalid/event ")


def test_connections_are_kept(serve, open_client):
    endpoint = serve()
    client = open_client(endpoint.url)
    for _ in range(20):
        answered = threading.Event()
        client.send_event(client.create_device_event("x"), lambda _, done=answered: done.set())
        assert answered.wait(40)
    client.close()
    assert len(endpoint.requests) == 20
    assert len(endpoint.connections) <= 4


def test_a_failing_callback_is_logged_and_harms_nobody(serve, open_client, caplog):
    endpoint = serve()
    client = open_client(endpoint.url)
    responses = []
    client.send_event(client.create_device_event("x"), lambda _response: 1 / 0)
    client.send_event(client.create_device_event("x"), responses.append)
    client.close()
    assert [response.statuscode for response in responses] == [201]
    assert "ZeroDivisionError" in caplog.text


def test_without_a_callback_a_refusal_is_logged(serve, open_client, caplog):
    endpoint = serve(
        lambda connection: connection.sendall(b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n")
    )
    client = open_client(endpoint.url)
    client.send_event(client.create_device_event("x"))
    client.close()
    assert "401" in caplog.text


def test_close_from_a_callback_is_refused(serve, open_client, caplog):
    client = open_client(serve().url)
    client.send_event(client.create_device_event("x"), lambda _response: client.close())
    client.close()
    assert "close() would wait for the callback that calls it" in caplog.text


def test_a_closed_client_sends_nothing(serve):
    endpoint = serve()
    with SecuriThings("key-1", "secret-1", "HVAC", url=endpoint.url) as client:
        event = client.create_device_event("x")
    with pytest.raises(SecuriThingsError, match="closed"):
        client.send_event(event)
    assert endpoint.requests == []


@pytest.mark.parametrize(
    ("event", "message"),
    [(None, "missing event parameter"), ({"TYPE": "x"}, "not be a dict"), ("x", "not be a str")],
)
def test_what_is_no_event_is_refused(event, message, serve, open_client):
    endpoint = serve()
    with pytest.raises(SecuriThingsError, match=message):
        open_client(endpoint.url).send_event(event)
    assert endpoint.requests == []


def test_what_cannot_be_called_is_refused_as_callback(serve, open_client):
    with pytest.raises(SecuriThingsError, match="callable"):
        open_client(serve().url).send_event(Event("DEVICE", "x"), "print")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, "s", "HVAC"), "Missing api key or api secret"),
        (("", "s", "HVAC"), "Missing api key or api secret"),
        (("k", None, "HVAC"), "Missing api key or api secret"),
        (("k", "", "HVAC"), "Missing api key or api secret"),
        ((None, "s", None), "Missing api key or api secret"),
        ((0, "s", "HVAC"), "api key must be a string"),
        (("k", False, "HVAC"), "api secret must be a string"),
        (("k:ey", "s", "HVAC"), "colon"),
        (("k", "s\ud800", "HVAC"), "surrogate"),
        (("k", "s", None), "Missing device type"),
        (("k", "s", ""), "Missing device type"),
        (("k", "s", 5), "device type must be a string"),
        (("k", "s", "HVAC", 5), "device id must be a string"),
        (("k", "s", "HVAC", None, None), "url must be a string"),
        (("k", "s", "HVAC", None, "service.example/api"), "https://HOST/PATH"),
        (("k", "s", "HVAC", None, "ftp://service.example/api"), "https://HOST/PATH"),
        (("k", "s", "HVAC", None, "https://"), "https://HOST/PATH"),
        (("k", "s", "HVAC", None, "https://host:99999/"), "https://HOST/PATH"),
        (("k", "s", "HVAC", None, "https://u:p@service.example/"), "must not carry credentials"),
    ],
)
def test_the_constructor_names_what_is_wrong(arguments, message):
    with pytest.raises(SecuriThingsError, match=message):
        SecuriThings(*arguments)


@pytest.mark.parametrize("timeout", [None, 5, (1,), (0, 1), (1, -1), (1, float("inf")), ("1", "2")])
def test_a_timeout_that_makes_no_sense_is_refused(timeout):
    with pytest.raises(SecuriThingsError, match="timeout"):
        SecuriThings("k", "s", "HVAC", timeout=timeout)


def test_a_missing_device_id_is_sent_as_null(serve):
    endpoint = serve()
    with SecuriThings("key-1", "secret-1", "HVAC", url=endpoint.url) as client:
        client.send_event(client.create_device_event("x"))
    assert body_of(endpoint.requests[0])["DEVICE_ID"] is None


def test_key_and_secret_are_never_shown(serve, open_client, outcome, caplog):
    caplog.set_level(logging.DEBUG)
    endpoint = serve(lambda connection: connection.sendall(b"HTTP/1.1 500 X\r\n\r\n"))
    shown = repr(open_client(endpoint.url)) + repr(outcome("http://127.0.0.1:1/")) + caplog.text
    for secret in ("key-1", "secret-1", base64.b64encode(b"key-1:secret-1").decode()):
        assert secret not in shown
