"""The digest of a code or badge is the same on both ends: the board's PBKDF2 and hashlib's."""

import hashlib
import os
import random
import subprocess
from pathlib import Path

from host_agent.access import digest_of
from tools.simulator import PERIPHERALS, micropython

FIRMWARE = Path(__file__).parents[2] / "firmware"
SCRIPT = """
import binascii, sys
from warden.slow_hash import Pbkdf2
for line in sys.stdin:
    password, salt, iterations = line[:-1].split(",")
    slow = Pbkdf2(binascii.unhexlify(password), binascii.unhexlify(salt), int(iterations))
    result = None
    while result is None:
        result = slow.step(1)
    print(binascii.hexlify(result).decode())
"""


def on_the_board(cases: list[tuple[bytes, bytes, int]]) -> list[bytes]:
    run = subprocess.run(
        [micropython(), "-c", SCRIPT],
        input="".join(f"{p.hex()},{s.hex()},{n}\n" for p, s, n in cases),
        env={"MICROPYPATH": f"{FIRMWARE}:{PERIPHERALS}:.frozen", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [bytes.fromhex(line) for line in run.stdout.split()]


def test_the_board_derives_what_hashlib_derives() -> None:
    cases = [
        (os.urandom(length), os.urandom(random.randrange(40)), random.randrange(1, 50))
        for length in (*range(140), 1000)
    ]
    expected = [hashlib.pbkdf2_hmac("sha256", p, s, n, 16) for p, s, n in cases]
    assert on_the_board(cases) == expected


def test_codes_and_badges_have_the_digest_that_the_agent_keeps() -> None:
    salt = os.urandom(16)
    cases = [(b"code:1234", salt, 1000), (b"badge:12:34567", salt, 1000)]
    expected = [digest_of("code", "1234", salt, 1000), digest_of("badge", "12:34567", salt, 1000)]
    assert on_the_board(cases) == expected
