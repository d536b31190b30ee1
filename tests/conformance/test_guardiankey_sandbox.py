"""Every recorded request of GuardianKey's reference clients, sent byte for byte to the sandbox.

What is recorded: the bytes of the body and the headers; a multipart body is rebuilt from its
fields. The sandbox takes each and decodes it to the recorded event, except those in REFUSED, which
WIRE.md calls broken. A case without a request (the client died before) is in SILENT.
"""

import asyncio
import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools.sandbox import Account, running
from tools.sandbox.guardiankey.accounts import strict_base64

DATA = json.loads((Path(__file__).parent / "data" / "guardiankey.json").read_text())["cases"]
CASES = [case for case in DATA if case["kind"] == "gk_wire"]
RECIPES = [case for case in DATA if case["kind"] == "gk_doc_recipe"]
HASHES = [case for case in DATA if case["kind"] == "gk_v2_hash"]
MISUSES = [case for case in DATA if case["kind"] == "gk_cfb8_misuse"]
REGISTERS = [case for case in DATA if case["kind"] == "gk_register_py"]

GROUP = "7d97e98f" * 8
ACCOUNT = Account(
    GROUP,
    "0a1b2c3d" * 8,
    strict_base64("OEW4a5SFSidTVHUY0QRyoS5gGg0Kp7ysafZQIhetcHw="),
    strict_base64("D5JjBqDcDaPQ3MjoWDM+dQ=="),
)
NOW = 1700000000
RESPONSES = {"ACCEPT", "NOTIFY", "HARD_NOTIFY", "BLOCK"}

# WIRE.md B1: a client without an agentid makes no event; B2: the worker's unused AES-CBC.
REFUSED = {
    "gk-w-p25": (400, "message: is empty: the client made no event"),
    "gk-w-p26": (400, "message: is empty: the client made no event"),
    "gk-w-p69": (403, "message: does not decrypt to a JSON object"),
}
SILENT = {"gk-w-p44", "gk-w-p46", "gk-w-p47"}  # WIRE.md B3: dies on Python 3


def by_id(cases):
    return {"argvalues": cases, "ids": [case["id"] for case in cases]}


@pytest.mark.parametrize("case", **by_id([case for case in CASES if case["requests"]]))
def test_a_captured_request_is_taken_and_decoded(case):
    async def scenario(sandbox):
        for request in case["requests"]:
            path = urlsplit(request["url"]).path
            status, answer = await asyncio.to_thread(
                exchange, sandbox.url, path, request["headers"], body_of(request)
            )
            taken = [item.body for item in sandbox.guardiankey.inbox.after(0)]
            if case["id"] in REFUSED:
                refused, problem = REFUSED[case["id"]]
                assert status == refused
                assert json.loads(answer)["error"].startswith(problem)
                assert taken == []
                continue
            assert (status, problem_of(answer)) == (200, None)
            check_answer(path, json.loads(answer), request, sandbox)
            events = [request["event"]] if "event" in request else []
            assert [item.event for item in taken] == events
            assert all((item.path, item.auth_group_id) == (path, GROUP) for item in taken)

    run(scenario, case["now"])


def test_recordings_of_one_clock_are_taken_together():
    """Several clients made equal messages in the same second: each is taken, the later marked."""
    requests = [request for case in CASES if case["now"] == NOW for request in case["requests"]]
    known = [request for request in requests if request.get("event")]

    async def scenario(sandbox):
        for request in known:
            path = urlsplit(request["url"]).path
            status, _ = await asyncio.to_thread(
                exchange, sandbox.url, path, request["headers"], body_of(request)
            )
            assert status == 200
        taken = [item.body for item in sandbox.guardiankey.inbox.after(0)]
        assert [item.event for item in taken] == [request["event"] for request in known]
        assert any(item.repeated for item in taken)

    run(scenario)


@pytest.mark.parametrize("case", **by_id([case for case in CASES if case.get("udp")]))
def test_a_captured_datagram_is_taken_and_decoded(case):
    async def scenario(sandbox):
        for sent in case["udp"]:
            send_datagram(sandbox, sent["datagram"].encode())
            (taken,) = await arrived(sandbox.guardiankey.inbox)
            assert (taken.path, taken.transport, taken.event) == ("udp", "udp", sent["event"])

    run(scenario, case["now"])


def test_the_other_cases_sent_nothing():
    assert {case["id"] for case in CASES if not case["requests"] and not case.get("udp")} == SILENT


@pytest.mark.parametrize("case", **by_id(RECIPES))
def test_the_documents_own_recipe_is_taken(case):
    """Its flags differ from the class (WIRE.md B1): slashes plain, accents right, an int as time;
    its datagram names the group."""

    async def scenario(sandbox):
        send_datagram(sandbox, case["udp_payload"].encode())
        (taken,) = await arrived(sandbox.guardiankey.inbox)
        assert taken.event == json.loads(case["message_plain"])

    run(scenario, case["input"]["now"])


@pytest.mark.parametrize("case", **by_id(HASHES))
def test_the_hash_is_over_exactly_what_arrived(case):
    async def scenario(sandbox):
        body = {"id": GROUP, "message": case["message"], "hash": case["hash"]}
        status, answer = await asyncio.to_thread(
            exchange, sandbox.url, "/v2/checkaccess", JSON, json.dumps(body).encode()
        )
        if case["valid"]:
            assert status == 200
        else:
            assert status == 403
            assert json.loads(answer)["error"].startswith("hash: does not belong to this message")

    run(scenario)


@pytest.mark.parametrize("case", **by_id(MISUSES))
def test_what_another_key_made_is_refused(case):
    """No cipher tells a wrong key (WIRE.md B2): what comes out is no JSON object."""

    async def scenario(sandbox):
        body = {"id": GROUP, "message": case["php_result"].get("ct") or case["ciphertext_b64"]}
        status, answer = await asyncio.to_thread(
            exchange, sandbox.url, "/checkaccess", JSON, json.dumps(body).encode()
        )
        assert status == 403
        assert json.loads(answer)["error"].startswith("message: does not decrypt")

    run(scenario)


@pytest.mark.parametrize("case", **by_id([case for case in REGISTERS if case["requests"]]))
def test_python_2_registers(case):
    async def scenario(sandbox):
        (request,) = case["requests"]
        body = request["body_encoding_example"].encode()
        headers = [*request["headers"], ["Connection", "close"]]
        status, answer = await asyncio.to_thread(exchange, sandbox.url, "/register", headers, body)
        assert status == 200
        assert_registered(json.loads(answer), sandbox)

    run(scenario)


JSON = [["Host", "sandbox"], ["Content-Type", "application/json"]]
BOUNDARY = "------------------------0123456789abcdef"


def run(scenario, now=NOW):
    async def in_sandbox():
        async with running(accounts=[ACCOUNT], now=now) as sandbox:
            await scenario(sandbox)

    asyncio.run(in_sandbox())


def body_of(request):
    """The recorded bytes; curl's multipart body from the recorded fields."""
    if "form" not in request:
        return request["body_text"].encode()
    (part_headers,) = request["form_part_headers"][0]
    assert part_headers == ["Content-Disposition", 'form-data; name="email"']
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{content}\r\n'
        for name, content in request["form"]
    ]
    body = ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()
    recorded = next(int(value) for name, value in request["headers"] if name == "Content-Length")
    assert len(body) == recorded
    return body


def exchange(url, path, headers, body):
    """Sends one request over a plain socket and reads the answer: status and body."""
    address = urlsplit(url)
    lines = [f"POST {path} HTTP/1.1"]
    for name, value in headers:
        if name.lower() not in ("content-length", "connection"):
            lines.append(f"{name}: {value.replace('…', BOUNDARY)}")
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        with connection.makefile("rb") as stream:
            head, _, answer = stream.read().partition(b"\r\n\r\n")
    return int(head.split()[1]), answer


def send_datagram(sandbox, datagram):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(datagram, sandbox.collector)


async def arrived(inbox):
    if not inbox.last:
        await asyncio.wait_for(inbox.arrival(), 60)
    return [item.body for item in inbox.after(0)]


def problem_of(answer):
    return json.loads(answer).get("error")


def check_answer(path, answer, request, sandbox):
    match path:
        case "/register":
            assert_registered(answer, sandbox)
        case "/getevent" | "/resolveevent":  # the recorded token is of an event of another service
            assert answer["return"]
        case _:
            event = request["event"]
            assert answer["response"] in RESPONSES
            assert all(isinstance(value, str) for value in answer.values())
            assert answer["generatedTime"] == str(
                event.get("generatedTime", event.get("timestamp"))
            )


def assert_registered(answer, sandbox):
    account = sandbox.guardiankey.accounts.get(answer["authGroupId"])
    assert account.organization_id == answer["organizationId"]
