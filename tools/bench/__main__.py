"""python -m tools.bench NAME: one measurement on this machine."""

import argparse

from tools.bench import cfb8, relay, serial

_BENCHES = {"cfb8": cfb8.main, "relay": relay.main, "serial": serial.main}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench",
        description="cfb8: the board's CFB8 against as many bare ECB calls, on the Unix port."
        " relay: what the agent adds to a verdict of GuardianKey, on loopback."
        " serial: how long a command takes to a board on USB.",
    )
    parser.add_argument("name", choices=_BENCHES)
    _BENCHES[parser.parse_args().name]()


main()
