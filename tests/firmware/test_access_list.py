import binascii
import gc
import os

import warden.access_list
from support import RamDisk, raises
from warden.access_list import AccessList, AccessListError

SALT = binascii.b2a_base64(bytes(range(16))).decode().strip()


def digest(n):
    return bytes([n]) * 15 + b"!"


def entry(n, kind="code", user=None, email=None):
    text = binascii.b2a_base64(digest(n)).decode().strip()
    return [user or "user %d" % n, kind, email or "u%d@example.com" % n, text]


def change(start, rev, add=(), gone=(), **fields):
    message = {"list": "0a1b2c3d", "salt": SALT, "iterations": 3, "from": start, "rev": rev}
    message.update({"lockdown": False, "set": list(add), "unset": list(gone), "more": False})
    message.update(fields)
    return message


def known(access):
    """The numbers of the users whose digest is found."""
    return [n for n in range(128) if access.lookup(digest(n))]


def test_a_board_without_a_list_knows_nobody():
    access = AccessList()
    assert access.state == ("", 0) and not access.lockdown and len(access) == 0
    assert access.lookup(bytes(16)) is None
    assert access.lookup(digest(1)) is None


def test_a_list_is_taken_found_in_and_there_after_a_restart():
    access = AccessList()
    assert access.apply(change(0, 2, [entry(1), entry(2, "badge")])) is False
    for held in (access, AccessList()):
        assert held.state == ("0a1b2c3d", 2) and len(held) == 2
        assert held.lookup(digest(1)) == ("user 1", "u1@example.com")
        assert held.lookup(digest(2)) == ("user 2", "u2@example.com")
        assert held.lookup(digest(3)) is None
        assert held.lookup(bytes(16)) is None


def test_changes_add_replace_and_remove():
    access = AccessList()
    access.apply(change(0, 3, [entry(1), entry(2), entry(3)]))
    access.apply(change(3, 6, [entry(4), entry(5, user="user 2")], [["user 1", "code"]]))
    assert known(access) == known(AccessList()) == [3, 4, 5]
    assert access.lookup(digest(5)) == ("user 2", "u5@example.com")
    access.apply(change(6, 7, [], [["user 4", "badge"]]))
    assert known(access) == [3, 4, 5], "a removal of another kind"


def test_a_list_in_parts_says_that_there_is_more():
    access = AccessList()
    assert access.apply(change(0, 1, [entry(1)], more=True)) is True
    assert access.apply(change(1, 2, [entry(2)])) is False
    assert known(access) == [1, 2]


def test_another_list_takes_the_place_of_the_first():
    access = AccessList()
    access.apply(change(0, 2, [entry(1), entry(2)]))
    access.apply(change(0, 1, [entry(3)], list="ffffffff"))
    assert known(access) == [3]
    assert access.state == ("ffffffff", 1)


def test_lockdown_comes_and_goes():
    access = AccessList()
    access.apply(change(0, 1, [entry(1)], lockdown=True))
    assert access.lockdown and AccessList().lockdown
    access.apply(change(1, 2))
    assert not access.lockdown and not AccessList().lockdown
    assert known(access) == [1]


def test_names_of_any_script_and_with_quotes_come_back():
    access = AccessList()
    name = '"Zoë", [\\Ж] 猫' + "ü" * 46
    access.apply(change(0, 1, [entry(1, user=name, email="é" * 128)]))
    assert access.lookup(digest(1)) == (name, "é" * 128)
    access.apply(change(1, 2, [], [[name, "code"]]))
    assert known(access) == []


def test_a_code_is_digested_with_the_salt_and_iterations_of_the_list():
    access = AccessList()
    access.apply(change(0, 1))
    code = access.hasher("code", "1234").step(1000)
    # hashlib.pbkdf2_hmac("sha256", b"code:1234", bytes(range(16)), 3, 16)
    assert binascii.hexlify(code) == b"e784f7d857aa5a18fb974951fc7d21ab"
    assert access.hasher("badge", "1234").step(1000) != code
    assert AccessList("none.json").hasher("code", "1234").step(0) is None  # takes as long as any


def test_nonsense_changes_nothing_and_is_told_by_field():
    access = AccessList()
    good = [entry(1), entry(2, "badge")]
    access.apply(change(0, 2, good))
    with open("access.json", "rb") as file:
        before = file.read()
    nonsense = [
        ("list", [None, 7, "", "0a1b2c3", "0a1b2c3g", "0A1B2C3D", ["0a1b2c3d"]]),
        ("salt", [None, 7, "", "AAAA", SALT[:-1], SALT + "=", "A" * 24, "\xe9" * 24]),
        ("iterations", [None, 0, -1, 1.0, True, "3", 1000001, 4]),
        ("from", [None, -1, 1, 3, True, "2", 1 << 40]),
        ("rev", [None, -1, 1, True, "2", 1 << 31]),
        ("lockdown", [None, 0, "true"]),
        ("more", [None, 1]),
        ("set", [None, {}, "user", [1], ["abcd"], [[]], [good[0][:3]], [good[0] + [""]]]),
        ("set", [[[1] + good[0][1:]], [entry(3, user="a\nb")], [entry(3, user="u" * 65)]]),
        ("set", [[entry(3, user="\x9f")], [entry(3, "key")], [entry(3, None)], [entry(3, [])]]),
        ("set", [[entry(3, email="e" * 129)], [entry(3, email="\0")], [entry(3, email=7)]]),
        ("set", [[entry(3)[:3] + [value]] for value in (None, "", "AAAA", entry(3)[3][:-1], 7)]),
        ("set", [[entry(3), entry(4, user="user 3")], [entry(n) for n in range(2, 66)]]),
        ("unset", [None, {}, ["user 1"], [["user 1"]], [["user 1", "x"]], [["", "code"]]]),
        ("unset", [[["user 1", "code", "x"]], [[1, "code"]]]),
    ]
    for field, values in nonsense:
        for value in values:
            wrong = change(2, 3, [entry(9)], [["user 1", "code"]])
            wrong[field] = value
            with raises(AccessListError):
                access.apply(wrong)
    with raises(AccessListError, "rev"):
        access.apply(change(2, 3, list="ffffffff"))
    for wrong in (None, 7, "x", [], {}):
        with raises(AccessListError):
            access.apply(wrong)
    with open("access.json", "rb") as file:
        assert file.read() == before
    assert access.state == ("0a1b2c3d", 2) and known(access) == [1, 2]
    assert os.listdir() == ["access.json"]


def test_sixty_four_credentials_are_the_most_and_small():
    access = AccessList()
    for n in range(0, 64, 4):
        names = ["%d" % m + "ü" * 62 for m in range(n, n + 4)]
        part = [entry(n + i, user=name, email="e" * 128) for i, name in enumerate(names)]
        access.apply(change(n, n + 4, part, more=n < 60))
    assert known(access) == list(range(64))
    with raises(AccessListError, "64"):
        access.apply(change(64, 65, [entry(64)]))
    access.apply(change(64, 66, [entry(64)], [["7" + "ü" * 62, "code"]]))
    assert len(access) == 64 and 7 not in known(access)
    access = part = names = None
    gc.collect()
    before = gc.mem_alloc()
    access = AccessList()
    gc.collect()
    assert len(access) == 64
    assert gc.mem_alloc() - before < 3072


def test_a_lookup_takes_the_same_steps_wherever_the_credential_is():
    class Digest:
        """Counts how often its bytes are looked at."""

        def __init__(self, value):
            self.value = value
            self.reads = 0

        def __getitem__(self, at):
            self.reads += 1
            return self.value[at]

        def __eq__(self, other):
            return self.value == other

    access = AccessList()
    access.apply(change(0, 20, [entry(n) for n in range(20)]))
    for n in (0, 19, 50):
        looked = Digest(digest(n))
        access.lookup(looked)
        assert looked.reads == 20 * 16


def test_a_damaged_file_is_told_and_treated_as_none():
    access = AccessList()
    access.apply(change(0, 2, [entry(1), entry(2)]))
    with open("access.json", "rb") as file:
        whole = file.read()
    for at in range(0, len(whole), 3):
        for damaged in (whole[:at], whole[:at] + b"\x00" + whole[at + 1 :], whole[:at] + b"]"):
            with open("access.json", "wb") as file:
                file.write(damaged)
            held = AccessList()
            assert held.state == ("", 0) and known(held) == [], damaged
    held.apply(change(0, 2, [entry(3)]))
    assert known(AccessList()) == [3]


def test_a_file_of_another_shape_is_damaged_too():
    for text in ("", "x", "{}", "[]", "[[1]\n", '[[1]\n,"6d1d2a4e"]\n', "[" * 10000):
        with open("access.json", "w") as file:
            file.write(text)
        assert AccessList().state == ("", 0)


def test_a_file_that_goes_bad_while_the_board_runs_is_noticed_at_its_next_use():
    access = AccessList()
    access.apply(change(0, 2, [entry(1), entry(2)]))
    os.remove("access.json")
    assert access.lookup(digest(3)) is None and access.state == ("0a1b2c3d", 2)
    assert access.lookup(digest(1)) is None and access.state == ("", 0)
    access.apply(change(0, 2, [entry(1), entry(2)]))
    with open("access.json", "wb") as file:
        file.write(b"nothing of use")
    with raises(AccessListError, "read back"):
        access.apply(change(2, 3))
    assert access.state == ("", 0) and known(access) == []


def test_what_a_full_flash_refuses_to_lose_opens_nothing():
    disk = RamDisk(40)
    disk.format()
    disk.mount("/flash")
    access = AccessList("/flash/access.json")
    access.apply(change(0, 3, [entry(1), entry(2), entry(3)]))
    disk.budget = 0
    for _ in range(2):
        with raises(AccessListError, "flash refuses"):
            access.apply(change(3, 5, [entry(4)], [["user 2", "code"]], lockdown=True))
        assert access.state == ("0a1b2c3d", 3)
        assert known(access) == [1, 3] and access.lockdown
    disk.budget = None
    access.apply(change(3, 5, [entry(4)], [["user 2", "code"]]))
    assert known(access) == known(AccessList("/flash/access.json")) == [1, 3, 4]


def test_a_power_cut_at_any_block_write_leaves_the_old_list_or_the_new_one():
    disk = RamDisk(40)
    old, new = list(range(40)), [n for n in range(60) if n != 3]
    cut = 0
    finished = False
    while not finished:
        disk.budget = None
        disk.format()
        disk.mount("/flash")
        access = AccessList("/flash/access.json")
        access.apply(change(0, 40, [entry(n) for n in range(40)]))
        disk.budget = cut
        try:
            access.apply(change(40, 61, [entry(n) for n in range(40, 60)], [["user 3", "code"]]))
            finished = True
        except AccessListError:
            assert 3 not in known(access)
        disk.budget = None
        os.umount("/flash")
        disk.mount("/flash")
        held = AccessList("/flash/access.json")
        assert (held.state[1], known(held)) == ((61, new) if finished else (40, old)), cut
        os.umount("/flash")
        cut += 1
    assert cut > 10


class InBlocks:
    """A file that is slow to read byte by byte, as `readline` does."""

    reads = 0

    def __init__(self, *arguments):
        self._file = open(*arguments)  # noqa: SIM115 - a file itself

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def seek(self, position):
        return self._file.seek(position)

    def read(self, size):
        InBlocks.reads += 1
        return self._file.read(size)


def test_the_longest_list_is_read_in_blocks():
    access = AccessList()
    for n in range(64):
        row = entry(n, user="\u00e9" * 62 + "%02d" % n, email="\u00e9" * 128)
        access.apply(change(n, n + 1, [row], more=n < 63))
    size = os.stat("access.json")[6]
    warden.access_list.open = InBlocks
    held = AccessList()
    assert known(held) == list(range(64)) and held.state == access.state
    InBlocks.reads = 0
    AccessList()
    assert InBlocks.reads < size // 200
