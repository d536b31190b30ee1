"""Every change of an access list that the agent makes is taken by the board, and means the same."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest

from host_agent.access import (
    MAX_CREDENTIALS,
    AccessState,
    Held,
    change_for,
    new_state,
    with_credential,
    with_lockdown,
    without_credential,
)
from tools.simulator import PERIPHERALS, micropython

FIRMWARE = Path(__file__).parents[2] / "firmware"
SCRIPT = """
import binascii, json, sys
from warden.access_list import AccessList
for line in sys.stdin:
    step = json.loads(line)
    access = AccessList()
    for change in step["changes"]:
        access.apply(change)
    found = [access.lookup(binascii.unhexlify(digest)) for digest in step["digests"]]
    print(json.dumps([access.state, access.lockdown, len(access), found]))
"""


def changed(state: AccessState, chance: random.Random) -> AccessState:
    """The list after one random change by a person."""
    what = chance.random()
    if what < 0.05:
        return with_lockdown(state, not state.lockdown)
    if state.credentials and (what < 0.3 or len(state.credentials) == MAX_CREDENTIALS):
        return without_credential(state, chance.choice(state.credentials).user)
    user = f'{chance.randrange(80)} "Zoë" {"猫" * chance.randrange(50)}'
    email = "é" * chance.randrange(129)
    return with_credential(state, user, "code", email, f"{chance.randrange(10**12):012}")


@pytest.mark.parametrize("seed", range(3))
def test_a_board_follows_the_agents_list(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    state, held = new_state(), Held("", 0)
    steps: list[str] = []
    expected: list[list[object]] = []
    seen: dict[str, None] = {}
    for _round in range(25):
        for _change in range(chance.choice((1, 1, 5, 40))):
            state = changed(state, chance)
        changes = []
        while message := change_for(state, held):
            change = json.loads(bytes(message))
            held = Held(change["list"], change["rev"])
            changes.append(change)
        present = {entry.digest.hex(): [entry.user, entry.email] for entry in state.credentials}
        seen.update(dict.fromkeys(present))
        digests = list(seen)[-200:]
        steps.append(json.dumps({"changes": changes, "digests": digests}))
        found = [present.get(digest) for digest in digests]
        expected.append([list(held), state.lockdown, len(present), found])
    run = subprocess.run(
        [micropython(), "-X", "heapsize=160k", "-c", SCRIPT],
        cwd=tmp_path,
        input="\n".join(steps) + "\n",
        env={"MICROPYPATH": f"{FIRMWARE}:{PERIPHERALS}:.frozen", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert [json.loads(line) for line in run.stdout.splitlines()] == expected, run.stdout[-500:]
