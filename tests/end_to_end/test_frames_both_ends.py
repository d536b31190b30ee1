"""One protocol, two ends: what the board seals opens with joserfc, and the other way round."""

import base64
import os
import subprocess
from pathlib import Path

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from host_agent.link import frames
from tools.simulator import PERIPHERALS, micropython

FIRMWARE = Path(__file__).parents[2] / "firmware"
DEVICE = "front-door"
ALGORITHMS = ["dir", "A128CBC-HS256"]


@pytest.fixture(params=[0, 1, 15, 16, 17, 255, 1000])
def payload(request: pytest.FixtureRequest) -> bytes:
    return os.urandom(request.param)


@pytest.fixture
def key() -> bytes:
    return os.urandom(32)


def on_the_board(statement: str, *arguments: bytes) -> bytes:
    """The value of a MicroPython expression; `a` holds the arguments, `codec` works with a[0]."""
    script = (
        "import binascii, sys\n"
        "from warden.frames import Codec\n"
        "a = [binascii.unhexlify(x) for x in sys.stdin.read().split('\\n')]\n"
        f"codec = Codec('{DEVICE}', a[0])\n"
        "def seal(payload):\n"
        "    codec.payload[:len(payload)] = payload\n"
        "    return codec.seal(len(payload))[0]\n"
        f"print(binascii.hexlify({statement}).decode())\n"
    )
    run = subprocess.run(
        [micropython(), "-c", script],
        input="\n".join(argument.hex() for argument in arguments),
        env={"MICROPYPATH": f"{FIRMWARE}:{PERIPHERALS}:.frozen", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return bytes.fromhex(run.stdout)


def test_joserfc_opens_what_the_board_seals(key: bytes, payload: bytes) -> None:
    frame = on_the_board("seal(a[1])", key, payload)
    opened = jwe.decrypt_compact(frame, OctKey.import_key(key), algorithms=ALGORITHMS)
    assert opened.plaintext == payload
    assert base64.urlsafe_b64decode(frame.split(b".")[0] + b"==") == (
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"front-door","typ":"report"}'
    )


def test_the_board_opens_what_joserfc_seals(key: bytes, payload: bytes) -> None:
    header = {"alg": "dir", "enc": "A128CBC-HS256", "kid": DEVICE, "typ": "reply"}
    frame = jwe.encrypt_compact(header, payload, OctKey.import_key(key), algorithms=ALGORITHMS)
    assert on_the_board("codec.open(a[1])", key, frame.encode()) == payload


def test_the_agents_codec_and_the_boards_are_one(key: bytes, payload: bytes) -> None:
    frame = on_the_board("seal(a[1])", key, payload)
    opened = frames.open_report(frame, lambda device: [key] if device == DEVICE else [])
    assert (opened.device, opened.payload) == (DEVICE, payload)
    assert frame.endswith(opened.tag.encode())
    reply = frames.seal_reply(DEVICE, key, payload)
    assert on_the_board("codec.open(a[1])", key, reply.encode()) == payload
