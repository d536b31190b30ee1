"""What a flash has to do, from digests alone."""

import dataclasses
from collections.abc import Mapping

import pytest

from tools.board.errors import BoardError
from tools.board.slots import Held, Plan, check_space, digest, encoded, is_still_good, plan

OLD = {"warden/app.mpy": b"app", "warden/link.mpy": b"link", "config.json": b"{}"}
NEW = OLD | {"warden/app.mpy": b"new app"}


def held(
    pointer: str = "",
    a: Mapping[str, bytes] = {},
    b: Mapping[str, bytes] = {},
    root: Mapping[str, bytes] = {},
    free: int = 1000,
) -> Held:
    files = {**root, **{f"a/{p}": c for p, c in a.items()}, **{f"b/{p}": c for p, c in b.items()}}
    directories = {
        "/".join(path.split("/")[:end]) for path in files for end in range(1, path.count("/") + 1)
    }
    return Held(
        pointer,
        {path: digest(content) for path, content in files.items()},
        {path: len(content) for path, content in files.items()},
        frozenset(directories),
        4096,
        free,
    )


def moves(found: Plan) -> tuple[str, set[str], set[str], set[str], set[str]]:
    return (
        found.target,
        set(found.keep),
        set(found.copy),
        set(found.upload),
        set(found.remove),
    )


def test_a_clean_board_gets_everything() -> None:
    assert moves(plan(OLD, held())) == ("a", set(), set(), set(OLD), set())


def test_only_what_changed_travels() -> None:
    found = plan(NEW, held("a", a=OLD))
    assert moves(found) == (
        "b",
        set(),
        {"warden/link.mpy", "config.json"},
        {"warden/app.mpy"},
        set(),
    )


def test_what_the_other_slot_still_has_stays_there() -> None:
    found = plan(NEW, held("b", a=OLD, b=OLD | {"warden/link.mpy": b"broken"}))
    assert found.target == "a"
    assert found.keep == ("config.json", "warden/link.mpy")
    assert found.upload == ("warden/app.mpy",) and found.remove == ("a/warden/app.mpy",)


def test_a_board_that_has_it_all_is_left_alone() -> None:
    found = plan(OLD, held("b", a=NEW, b=OLD))
    assert found.target == "b" and found.complete and set(found.keep) == set(OLD)


@pytest.mark.parametrize(
    "stale",
    ["warden/gone.mpy", "warden/app.py", "notes.txt", "warden/more/deep.mpy"],
)
def test_what_does_not_belong_goes(stale: str) -> None:
    found = plan(OLD, held("b", a=OLD | {stale: b"?"}, b=OLD | {stale: b"?"}))
    assert found.target == "a", "the slot that runs is not touched"
    assert f"a/{stale}" in found.remove and not found.upload


def test_a_file_in_a_directorys_place_goes() -> None:
    strange = dataclasses.replace(held(), files={"a": "x"}, sizes={"a": 1})
    assert plan(OLD, strange).remove == ("a",)
    strange = dataclasses.replace(held(), files={"a/warden": "x"}, directories=frozenset(["a"]))
    assert "a/warden" in plan(OLD, strange).remove


def test_a_directory_in_a_files_place_goes() -> None:
    strange = dataclasses.replace(held(), directories=frozenset(["a", "a/config.json"]))
    assert plan(OLD, strange).remove == ("a/config.json",)


def test_secrets_of_the_other_slot_go_last_and_its_modules_stay() -> None:
    found = plan(NEW, held("a", a=OLD | {"ca.der": b"der"}))
    assert set(found.clear) == {"a/config.json", "a/ca.der"}


def test_an_application_from_before_the_slots_goes_last() -> None:
    root = {"warden/app.py": b"1", "config.json": b"{}", "main.py": b"2", "spool/1": b"3"}
    found = plan(OLD, held(root=root))
    assert found.remove == () and found.clear == ("config.json", "warden")


def test_too_little_space_is_told_before_anything_is_written() -> None:
    board = held("a", a=OLD, free=6)
    big = {f"warden/{n}.mpy": bytes(4097) for n in range(3)}
    with pytest.raises(BoardError, match=r"flash is too full: 40 KiB are needed and 24 KiB free"):
        check_space(plan(big, board), big, board)
    roomy = dataclasses.replace(board, free_blocks=10)
    check_space(plan(big, roomy), big, roomy)


def test_space_that_removing_gives_back_counts() -> None:
    board = held("b", a={"old.bin": bytes(40960)}, free=0)
    check_space(plan(OLD, board), OLD, board)


def test_a_config_with_a_lower_floor_may_stay() -> None:
    wanted = {"device": "d", "key": "k", "boot_floor": 7, "inputs": []}
    assert is_still_good(encoded(wanted | {"boot_floor": 3}), wanted)
    assert is_still_good(b'{"inputs": [], "key": "k", "device": "d"}', wanted)


@pytest.mark.parametrize(
    "old",
    [
        encoded({"device": "d", "key": "k", "boot_floor": 8, "inputs": []}),
        encoded({"device": "d", "key": "x", "boot_floor": 3, "inputs": []}),
        encoded({"device": "d", "key": "k", "boot_floor": 3}),
        encoded({"device": "d", "key": "k", "boot_floor": True, "inputs": []}),
        b"[]",
        b"\xff",
        b"{",
    ],
    ids=["higher floor", "other key", "less", "no number", "no object", "no text", "half"],
)
def test_another_config_may_not(old: bytes) -> None:
    assert not is_still_good(old, {"device": "d", "key": "k", "boot_floor": 7, "inputs": []})
