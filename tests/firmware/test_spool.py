import os

from support import RamDisk, raises
from warden.spool import Spool, SpoolFull


def everything(spool):
    position = spool.head
    while True:
        more = spool.read(position, 500)
        if not more:
            return
        yield from [record for record, _ in more]
        position = more[-1][1]


def holds(spool, first, last):
    """The spool holds exactly the records first..last-1, in order."""
    expected = first
    for record in everything(spool):
        assert record == b"record %d" % expected, (record, expected)
        expected += 1
    return expected == last


def numbered(first, last):
    return [b"record %d" % n for n in range(first, last)]


def test_records_come_back_in_order_across_segments_and_restarts():
    spool = Spool("spool")
    for n in range(0, 3000, 100):
        spool.append(numbered(n, n + 100))
    assert holds(spool, 0, 3000)
    assert holds(Spool("spool"), 0, 3000)
    assert len(os.listdir("spool")) > 3


def test_dropped_records_are_gone_and_their_segments_too():
    spool = Spool("spool")
    for n in range(0, 3000, 100):
        spool.append(numbered(n, n + 100))
    before = spool.bytes
    while next(everything(spool)) != b"record 2000":
        spool.drop(spool.read(spool.head, 1)[0][1])
    assert spool.bytes < before // 2
    assert holds(spool, 2000, 3000)


def test_a_spool_that_was_emptied_leaves_no_file():
    spool = Spool("spool")
    spool.append(numbered(0, 3))
    spool.drop(spool.read(spool.head, 1000)[-1][1])
    assert not spool and os.listdir("spool") == [] and spool.bytes == 0
    spool.append(numbered(3, 5))
    assert holds(spool, 3, 5)


def test_the_bound_refuses_and_keeps_what_is_there():
    spool = Spool("spool", max_bytes=1000)
    spool.append(numbered(0, 40))
    with raises(SpoolFull, "1000 bytes"):
        spool.append(numbered(40, 80))
    assert holds(spool, 0, 40)


def test_half_a_line_at_the_end_is_passed_over_and_never_appended_to():
    Spool("spool").append(numbered(0, 3))
    with open("spool/1.log", "ab") as file:
        file.write(b"deadbeef reco")
    spool = Spool("spool")
    spool.append(numbered(3, 5))
    assert holds(spool, 0, 5)


def test_a_line_that_does_not_read_back_is_told_and_costs_itself_only():
    Spool("spool").append(numbered(0, 5))
    with open("spool/1.log", "rb") as file:
        data = bytearray(file.read())
    data[data.index(b"record 2")] ^= 1
    with open("spool/1.log", "wb") as file:
        file.write(data)
    assert list(everything(Spool("spool"))) == [
        b"record 0",
        b"record 1",
        None,
        b"record 3",
        b"record 4",
    ]


def test_a_full_flash_refuses_and_works_again_when_there_is_room():
    disk = RamDisk(40)
    disk.format()
    disk.mount("/flash")
    spool = Spool("/flash/spool")
    kept = 0
    try:
        while True:
            spool.append(numbered(kept, kept + 20))
            kept += 20
    except SpoolFull:
        pass
    assert kept >= 100
    for _ in range(3):
        with raises(SpoolFull, "refuses"):
            spool.append(numbered(kept, kept + 20))
    for expected, record in zip(range(kept), everything(spool)):
        assert record == b"record %d" % expected
    while next(everything(spool)) != b"record %d" % (kept - 20):
        spool.drop(spool.read(spool.head, 1)[0][1])
    spool.append(numbered(kept, kept + 20))
    assert list(everything(spool))[-20:] == numbered(kept, kept + 20)


def test_a_power_cut_at_any_block_write_loses_nothing_that_was_kept():
    disk = RamDisk(64)
    cut = 0
    finished = False
    while not finished:
        disk.format()
        disk.mount("/flash")
        spool = Spool("/flash/spool")
        appended = 0
        disk.budget = cut
        try:
            for n in range(0, 60, 6):
                spool.append(numbered(n, n + 6))
                appended = n + 6
                if n % 12 == 6:
                    spool.drop(spool.read(spool.head, 60)[-1][1])
        except SpoolFull:
            pass
        finished = appended == 60
        disk.budget = None
        os.umount("/flash")
        disk.mount("/flash")
        found = list(everything(Spool("/flash/spool")))
        os.umount("/flash")
        first = int(found[0].split()[1]) if found else 60
        assert found[: max(0, appended - first)] == numbered(first, appended), (cut, appended)
        assert first < appended or not appended or finished
        cut += 1
    assert cut > 20
