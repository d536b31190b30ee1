"""The board's cipher and events against the captures of the reference clients and pycryptodome.

The cipher of a run is one MicroPython process: it gets every job at once, one JSON line each.
"""

import base64
import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from Crypto.Cipher import AES

from tools.simulator import PERIPHERALS, micropython

FIRMWARE = Path(__file__).parents[2] / "firmware"
CASES = json.loads((Path(__file__).parent / "data" / "guardiankey.json").read_text())["cases"]
SEED = 20240817

ON_THE_BOARD = """
import binascii, json, sys
from warden import cfb8
if {fallback}:
    cfb8.register, cfb8.run = cfb8.plain_register, cfb8.plain_run
for line in sys.stdin:
    what, key, iv, data = json.loads(line)
    try:
        result = getattr(cfb8, what)(*[binascii.unhexlify(x) for x in (key, iv, data)])
        print(json.dumps([binascii.hexlify(result).decode(), ""]))
    except ValueError as error:
        print(json.dumps([None, str(error)]))
"""

Job = tuple[str, bytes, bytes, bytes]


def on_the_board(jobs: list[Job], *, fallback: bool = False) -> list[Any]:
    """What the board makes of every (encrypt or decrypt, key, iv, data): bytes, or its refusal."""
    run = subprocess.run(
        [micropython(), "-c", ON_THE_BOARD.format(fallback=fallback)],
        input="".join(json.dumps([what, *(x.hex() for x in more)]) + "\n" for what, *more in jobs),
        env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:{PERIPHERALS}:.frozen"},
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(jobs)
    return [error if result is None else bytes.fromhex(result) for result, error in answers]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["kind"] == kind]


def unbase64(case: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(case[f"{name}_b64"], validate=True) for name in names]


@pytest.fixture(params=[False, True], ids=["native", "fallback"])
def fallback(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_every_captured_vector_both_ways(fallback: bool) -> None:
    jobs: list[Job] = []
    expected = []
    for case in of_kind("gk_cfb8"):
        key, iv, plain, cipher = unbase64(case, "key", "iv", "plaintext", "ciphertext")
        jobs += [("encrypt", key, iv, plain), ("decrypt", key, iv, cipher)]
        expected += [cipher, plain]
    assert len(jobs) == 36
    assert on_the_board(jobs, fallback=fallback) == expected


def test_random_data_as_pycryptodome_has_it(fallback: bool) -> None:
    source = random.Random(SEED)
    jobs: list[Job] = []
    expected = []
    for length in [*range(70), *(source.randrange(70, 3000) for _ in range(60))]:
        key, iv, data = (source.randbytes(n) for n in (32, 16, length))
        jobs += [("encrypt", key, iv, data), ("decrypt", key, iv, data)]
        for what in ("encrypt", "decrypt"):
            cipher = AES.new(key, AES.MODE_CFB, iv=iv, segment_size=8)
            expected.append(getattr(cipher, what)(data))
    assert on_the_board(jobs, fallback=fallback) == expected


def test_misuse_is_refused_or_gives_exactly_the_recorded_bytes(fallback: bool) -> None:
    jobs: list[Job] = []
    expected: list[bytes | str] = []
    for case in of_kind("gk_cfb8_misuse"):
        key, iv, cipher = unbase64(case, "key", "iv", "ciphertext")
        if "used_key_b64" in case:
            (key,) = unbase64(case, "used_key")
        if "used_iv_b64" in case:
            (iv,) = unbase64(case, "used_iv")
        if "used_ciphertext_b64" in case:
            (cipher,) = unbase64(case, "used_ciphertext")
        if len(key) != 32 or len(iv) != 16:
            # The references pad, truncate or switch to AES-128 (WIRE.md B2): never ours.
            refusal = "key must have 32 bytes" if len(key) != 32 else "iv must have 16 bytes"
            jobs += [("encrypt", key, iv, case["plaintext"].encode()), ("decrypt", key, iv, cipher)]
            expected += [refusal, refusal]
        else:
            jobs.append(("decrypt", key, iv, cipher))
            expected.append(base64.b64decode(case["php_result"]["b64"]))
    assert len(expected) == 9
    assert on_the_board(jobs, fallback=fallback) == expected


def recorded_messages() -> list[tuple[str, bytes, bytes, bytes, Any]]:
    """(id, key, iv, ciphertext, plaintext) of every v1 message that a reference client sent."""
    found = []
    for case in of_kind("gk_wire"):
        for request in case.get("requests", []):
            if v1 := request.get("v1"):
                key, iv, message, plain = unbase64(v1, "key", "iv", "message", "plaintext")
                found.append((case["id"], key, iv, message, plain))
        for datagram in case.get("udp", []):
            key, iv = unbase64(datagram, "key", "iv")
            text = datagram["datagram"].split("|", 1)[1]
            plain = datagram["plaintext"].encode()
            found.append((case["id"], key, iv, base64.b64decode(text), plain))
    for case in of_kind("gk_doc_recipe"):
        key, iv = (base64.b64decode(case["input"][name]) for name in ("key", "iv"))
        message = base64.b64decode(case["message_b64"])
        found.append((case["id"], key, iv, message, case["message_plain"].encode()))
    return found


def test_the_board_reads_and_repeats_every_message_of_the_reference_clients() -> None:
    messages = recorded_messages()
    assert len(messages) > 15
    jobs: list[Job] = []
    expected = []
    for _, key, iv, cipher, plain in messages:
        jobs += [("decrypt", key, iv, cipher), ("encrypt", key, iv, plain)]
        expected += [plain, cipher]
    assert on_the_board(jobs) == expected


EVENT = """
import json, sys
from warden.guardiankey import GuardianKey
class Settings: pass
settings, event = json.loads(sys.stdin.read())
for name in settings:
    setattr(Settings, name, settings[name])
import binascii
Settings.key, Settings.iv = [binascii.a2b_base64(x) for x in (Settings.key, Settings.iv)]
print(GuardianKey(Settings).message(**event).decode())
"""


def board_event(settings: dict[str, str], event: dict[str, Any]) -> dict[str, Any]:
    """The event as pycryptodome decrypts it from the board's message."""
    run = subprocess.run(
        [micropython(), "-c", EVENT],
        input=json.dumps([settings, event]),
        env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:{PERIPHERALS}:.frozen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    key, iv = base64.b64decode(settings["key"]), base64.b64decode(settings["iv"])
    cipher = AES.new(key, AES.MODE_CFB, iv=iv, segment_size=8)
    text = cipher.decrypt(base64.b64decode(run.stdout.rstrip("\n"), validate=True))
    decoded = json.loads(text.decode("utf-8", "strict"))
    assert isinstance(decoded, dict)
    return decoded


@pytest.mark.parametrize("case", of_kind("gk_doc_recipe"), ids=lambda case: case["id"])
def test_the_documents_recipe_with_the_fields_that_it_forgets(case: dict[str, Any]) -> None:
    given = case["input"]
    settings = {
        "agent_id": given["id"],
        "organization_id": given["id"],
        "auth_group_id": given["id"],
        "key": given["key"],
        "iv": given["iv"],
        "service": given["service"],
        "client_reverse": given["rev"],
        "user_agent": given["ua"],
    }
    event = board_event(
        settings,
        {
            "generated_time": given["now"],
            "user_name": given["user"],
            "failed": False,
            "sequential": 7,
            "client_ip": given["ip"],
        },
    )
    added = {"event_type": "Authentication", "userEmail": "", "sequential": 7}
    assert event == {**json.loads(case["message_plain"]), **added}


def test_a_failed_login_as_the_php_client_sends_it_but_with_a_whole_number_for_the_time() -> None:
    (case,) = (case for case in of_kind("gk_wire") if case["id"] == "gk-w-p02")
    (request,) = case["requests"]
    config, server = case["input"]["config"], case["input"]["server"]
    user, email, failed = case["input"]["args"]
    settings = {
        "agent_id": config["agentid"],
        "organization_id": config["orgid"],
        "auth_group_id": config["authgroupid"],
        "key": config["key"],
        "iv": config["iv"],
        "service": config["service"],
        "client_reverse": "",
        "user_agent": server["HTTP_USER_AGENT"],
    }
    event = board_event(
        settings,
        {
            "generated_time": case["now"],
            "user_name": user,
            "user_email": email,
            "failed": failed == "1",
            "sequential": 1,
            "client_ip": server["REMOTE_ADDR"],
        },
    )
    recorded = request["event"]
    assert event == {**recorded, "generatedTime": int(recorded["generatedTime"]), "sequential": 1}
