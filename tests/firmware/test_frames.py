import os

from support import raises
from warden.frames import FRAME_LIMIT, REPLY_LIMIT, Codec, FrameError, _header

KEY = bytes(range(32))


def reply_of(payload, key=KEY, device="front-door"):
    """A reply as the agent makes it: a report's frame with the other header, sealed under it."""
    agent = Codec(device, key)
    agent._report = agent._reply
    return agent.seal(payload)[0]


def test_a_report_names_its_device_in_one_exact_header():
    assert _header("front-door", "report") == (
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"front-door","typ":"report"}'
    )


def test_a_frame_is_compact_jwe_that_ends_in_its_tag():
    frame, tag = Codec("front-door", KEY).seal(b"{}")
    parts = frame.split(b".")
    assert len(parts) == 5 and parts[1] == b"" and parts[4] == tag and len(tag) == 22
    assert b"=" not in frame and b"+" not in frame and b"/" not in frame and b"\n" not in frame


def test_the_same_payload_never_makes_the_same_frame():
    codec = Codec("front-door", KEY)
    assert codec.seal(b"{}")[0] != codec.seal(b"{}")[0]


def test_replies_of_every_length_open():
    codec = Codec("front-door", KEY)
    for length in range(70):
        payload = os.urandom(length)
        assert codec.open(reply_of(payload)) == payload, length


def test_a_full_payload_keeps_within_the_frame_limit_and_fills_it():
    codec = Codec("a" * 64, KEY)
    assert len(codec.seal(bytes(codec.capacity()))[0]) <= FRAME_LIMIT
    assert len(codec.seal(bytes(codec.capacity() + 1))[0]) > FRAME_LIMIT - 22


def test_one_changed_character_anywhere_is_refused():
    codec = Codec("front-door", KEY)
    frame = reply_of(b'{"ack":[1,2]}')
    for at in range(len(frame)):
        other = b"A" if frame[at : at + 1] != b"A" else b"Q"
        forged = frame[:at] + other + frame[at + 1 :]
        try:
            opened = codec.open(forged)
        except FrameError:
            continue
        # The last character of a base64 group may hold bits that decode to nothing.
        assert opened == b'{"ack":[1,2]}' and frame[at + 1 : at + 2] in (b".", b"")


def test_what_is_no_reply_for_this_device_is_refused():
    codec = Codec("front-door", KEY)
    whole = reply_of(b"{}")
    wrong = (
        b"",
        b"....",
        b"not a frame",
        whole[:-1],
        whole[:40],
        whole + b".x",
        whole + bytes(REPLY_LIMIT),
        codec.seal(b"{}")[0],  # our own report, reflected
        reply_of(b"{}", key=bytes(32)),
        reply_of(b"{}", device="back-door"),
        b"\xff\x00" * 300,
    )
    for frame in wrong:
        with raises(FrameError):
            codec.open(frame)


def test_a_key_of_another_length_is_refused():
    for length in (0, 16, 31, 33):
        with raises(ValueError, "32 bytes"):
            Codec("front-door", bytes(length))
