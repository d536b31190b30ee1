"""The codec: lines and pieces, whatever arrives."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.link.frames import MAX_FRAME_BYTES
from host_agent.link.serial.lines import MAX_LINE_BYTES, Ask, Lines, Log, Piece, Whole, said
from host_agent.link.serial.pieces import FrameTooLarge, Joiner, TornFrame, cut

TEXT = st.text("abcXYZ019_-.", min_size=1)
FRAMES = TEXT.map(lambda text: f"eyJ{text}")


def in_parts(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(places)]


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (b"~12:eyJ-_.9", Piece(12, b"eyJ-_.9")),
        (b"~0:x", Piece(0, b"x")),
        (b"~eyJ.._x", Whole(b"eyJ.._x")),
        (b"~?", Ask(None)),
        (b"~?0", Ask(0)),
        (b"~?17", Ask(17)),
        (b"hello ~0:x", Log(b"hello ~0:x")),
        (b"", Log(b"")),
        (b"~", None),
        (b"~!", None),
        (b"~0:", None),
        (b"~-1:x", None),
        (b"~12345:x", None),
        (b"~?-1", None),
        (b"~0:x y", None),
        (b"~0:\xe9", None),
        ("~\u0663:x".encode(), None),
    ],
)
def test_what_a_line_means(line: bytes, meaning: object) -> None:
    assert said(line) == meaning


@given(st.lists(st.binary().map(lambda line: line.replace(b"\n", b""))), st.lists(st.integers(0)))
def test_lines_come_out_whole_however_they_arrive(texts: list[bytes], cuts: list[int]) -> None:
    lines = Lines()
    stream = b"".join(text + b"\n" for text in texts)
    out = [line for part in in_parts(stream, cuts) for line in lines.feed(part)]
    assert out == [text.removesuffix(b"\r") for text in texts]
    assert lines.too_long == 0


def test_a_long_line_is_dropped_once_and_the_next_is_heard() -> None:
    lines = Lines()
    assert list(lines.feed(b"x" * MAX_LINE_BYTES + b"\n")) == [b"x" * MAX_LINE_BYTES]
    for _ in range(3):
        assert list(lines.feed(b"x" * MAX_LINE_BYTES)) == []
    assert list(lines.feed(b"y\nnext\n")) == [b"next"]
    assert lines.too_long == 1


@given(FRAMES, st.integers(1, 40))
def test_pieces_join_to_the_frame(frame: str, size: int) -> None:
    texts = [frame[start : start + size] for start in range(0, len(frame), size)]
    if size < 3:
        texts = [frame[:3], *(frame[start : start + size] for start in range(3, len(frame), size))]
    joiner = Joiner()
    joined = [
        joiner.add(Piece(len(texts) - 1 - number, text.encode()))
        for number, text in enumerate(texts)
    ]
    assert joined == [None] * (len(texts) - 1) + [frame.encode()]
    assert not joiner.is_open


@given(FRAMES.filter(bool), st.integers(1, 500))
def test_a_reply_is_cut_into_lines_that_a_board_takes(start: str, repeat: int) -> None:
    frame = (start * repeat)[:2048]
    lines = cut(frame)
    pieces = [said(line.removesuffix(b"\n")) for line in lines]
    assert max(map(len, lines)) <= 128
    assert [piece.left for piece in pieces] == list(range(len(lines) - 1, -1, -1))
    assert b"".join(piece.text for piece in pieces) == frame.encode()


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.sampled_from([b"\n", b"~", b"~?", b"~?7\n", b"~3:", b"~0:eyJ", b"\n~1:eyJabc\n"]),
            st.builds(lambda left, text: b"~%d:%b\n" % (left, text.encode()), st.integers(0), TEXT),
        )
    )
)
def test_nothing_that_arrives_makes_it_fail_or_grow(parts: list[bytes]) -> None:
    lines, joiner = Lines(), Joiner()
    for part in parts:
        for line in lines.feed(part):
            meaning = said(line)
            if isinstance(meaning, Piece):
                try:
                    frame = joiner.add(meaning)
                except (TornFrame, FrameTooLarge):
                    frame = None
                assert frame is None or frame.startswith(b"eyJ")


def test_a_frame_that_never_ends_takes_bounded_memory() -> None:
    joiner = Joiner()
    sizes = []
    for left in range(9999, 9990, -1):
        try:
            joiner.add(Piece(left, b"eyJ" + b"x" * (MAX_FRAME_BYTES // 4)))
        except FrameTooLarge:
            sizes.append(9999 - left)
            assert not joiner.is_open
    assert sizes == [3, 7]


def test_a_frame_of_the_largest_size_is_taken() -> None:
    joiner = Joiner()
    assert joiner.add(Piece(1, b"eyJ" + b"x" * (MAX_FRAME_BYTES - 4))) is None
    assert joiner.add(Piece(0, b"y")) == b"eyJ" + b"x" * (MAX_FRAME_BYTES - 4) + b"y"


def test_another_number_than_the_next_starts_a_new_frame() -> None:
    joiner = Joiner()
    joiner.add(Piece(5, b"eyJa"))
    joiner.add(Piece(4, b"b"))
    joiner.add(Piece(1, b"eyJc"))
    assert joiner.add(Piece(0, b"d")) == b"eyJcd"


def test_a_rest_without_its_start_is_told_at_its_end() -> None:
    joiner = Joiner()
    assert joiner.add(Piece(1, b"c")) is None
    with pytest.raises(TornFrame):
        joiner.add(Piece(0, b"d"))
