import os

from support import raises
from warden.frames import FRAME_LIMIT, REPLY_LIMIT, Codec, FrameError, _header

KEY = bytes(range(32))


def seal(codec, payload):
    codec.payload[: len(payload)] = payload
    frame, tag = codec.seal(len(payload))
    return bytes(frame), tag


def reply_of(payload, key=KEY, device="front-door"):
    """A reply as the agent makes it."""
    return seal(Codec(device, key, seals="reply"), payload)[0]


def test_a_report_names_its_device_in_one_exact_header():
    assert _header("front-door", "report") == (
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"front-door","typ":"report"}'
    )


def test_a_frame_is_compact_jwe_that_ends_in_its_tag():
    frame, tag = seal(Codec("front-door", KEY), b"{}")
    parts = frame.split(b".")
    assert len(parts) == 5 and parts[1] == b"" and parts[4] == tag and len(tag) == 22
    assert b"=" not in frame and b"+" not in frame and b"/" not in frame and b"\n" not in frame


def test_the_same_payload_never_makes_the_same_frame():
    codec = Codec("front-door", KEY)
    assert seal(codec, b"{}")[0] != seal(codec, b"{}")[0]


def test_replies_of_every_length_open():
    codec = Codec("front-door", KEY)
    for length in range(70):
        payload = os.urandom(length)
        assert codec.open(reply_of(payload)) == payload, length


def test_a_full_payload_keeps_within_the_frame_limit_and_fills_it():
    for name in ("a", "front-door", "a" * 64):
        codec = Codec(name, KEY)
        payload = os.urandom(codec.capacity)
        frame, _ = seal(codec, payload)
        assert FRAME_LIMIT - 22 < len(frame) <= FRAME_LIMIT
        assert Codec(name, KEY, opens="report", limit=FRAME_LIMIT).open(frame) == payload


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
        seal(codec, b"{}")[0],  # our own report, reflected
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
