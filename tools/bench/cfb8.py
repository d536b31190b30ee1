"""What CFB8 on the board costs beyond the ECB call that every byte needs.

Both run on the Unix port of MicroPython, in turns, and each counts with its best round: what
another process takes away in between is not theirs.
"""

import os
import subprocess

from tools.simulator import FIRMWARE, micropython

LENGTH = 512
ROUNDS = 2000
TARGET = 1.4

_ON_THE_BOARD = """
import micropython
from time import ticks_diff, ticks_us
from cryptolib import aes
from warden import cfb8, cfb8_viper

KEY, IV, DATA = bytes(range(32)), bytes(16), bytes({length})

@micropython.viper
def bare(encrypt, block, pad, calls: int):
    for _ in range(calls):
        encrypt(block, pad)

def ecb():
    bare(aes(KEY, 1).encrypt, bytearray(16), bytearray(16), {length})

def native():
    cfb8.register, cfb8.run = cfb8_viper.register, cfb8_viper.run
    cfb8.encrypt(KEY, IV, DATA)

def fallback():
    cfb8.register, cfb8.run = cfb8.plain_register, cfb8.plain_run
    cfb8.encrypt(KEY, IV, DATA)

subjects = (ecb, native, fallback)
best = [1 << 30] * 3
for _ in range({rounds}):
    for number, subject in enumerate(subjects):
        began = ticks_us()
        subject()
        best[number] = min(best[number], ticks_diff(ticks_us(), began))
print(*best)
"""


def measure(length: int, rounds: int) -> tuple[int, int, int]:
    """Microseconds for `length` bytes: bare ECB calls, CFB8, CFB8 without native code."""
    run = subprocess.run(
        [micropython(), "-c", _ON_THE_BOARD.format(length=length, rounds=rounds)],
        env={**os.environ, "MICROPYPATH": f"{FIRMWARE}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    ecb, native, fallback = map(int, run.stdout.split())
    return ecb, native, fallback


def main() -> None:
    """Print the figures of one run."""
    ecb, native, fallback = measure(LENGTH, ROUNDS)
    for name, microseconds in (("bare ECB", ecb), ("CFB8", native), ("without viper", fallback)):
        print(
            f"{name:14}{microseconds * 1000 / LENGTH:6.0f} ns per byte, {microseconds / ecb:.2f}x"
        )
    print(f"the budget of CFB8 is {TARGET}x")
