"""main.py with and without slots; each slot's warden tells which one runs."""

import os
import sys

import warden

PROGRAM = """
def main(directory):
    with open("ran", "a") as file:
        file.write(__file__ + " " + directory)
"""


def ran(slot=None, slots=("", "a/", "b/")):
    """What main.py started, with such a file `slot`, and firmware in these directories."""
    for directory in slots:
        if directory:
            os.mkdir(directory[:-1])
        os.mkdir(directory + "warden")
        for name, text in (("__init__", ""), ("app", PROGRAM)):
            with open(directory + "warden/%s.py" % name, "w") as file:
                file.write(text)
    if slot is not None:
        with open("slot", "wb") as file:
            file.write(slot)
    with open(warden.__file__.rpartition("/warden/")[0] + "/main.py") as file:
        program = file.read()
    # As at a start of a board: its flash alone, nothing imported yet.
    sys.path[:] = [""]
    for name in list(sys.modules):
        if name.startswith("warden"):
            del sys.modules[name]
    exec(program, {})
    with open("ran") as file:
        return file.read()


def test_without_slots_the_firmware_beside_it_runs():
    assert ran(slots=("",)) == "warden/app.py "


def test_slot_a():
    assert ran(b"a") == "a/warden/app.py a/"


def test_slot_b():
    assert ran(b"b\n") == "b/warden/app.py b/"


def test_a_slot_needs_no_firmware_beside_it():
    assert ran(b"b", slots=("b/",)) == "b/warden/app.py b/"


def test_an_empty_pointer_is_none():
    assert ran(b"") == "warden/app.py "


def test_a_pointer_elsewhere_is_none():
    assert ran(b"../evil") == "warden/app.py "


def test_a_pointer_that_starts_like_a_slot_is_none():
    assert ran(b"ab") == "warden/app.py "


def test_a_damaged_pointer_is_none():
    assert ran(b"\xff\x00\x80" * 3000) == "warden/app.py "
