"""`time` of the board: who sleeps lets other threads run."""

import utime
from gil import give, take
from utime import *  # noqa: F403 - whatever a board has


def sleep(seconds):
    give()
    try:
        utime.sleep(seconds)
    finally:
        take()


def sleep_ms(milliseconds):
    give()
    try:
        utime.sleep_ms(milliseconds)
    finally:
        take()
