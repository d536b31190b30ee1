import base64
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey

from host_agent.link.frames import (
    FrameMalformed,
    FrameUnauthenticated,
    open_reply,
    open_report,
    seal_reply,
    seal_report,
)

KEY = bytes(range(32))
DEVICE = "front-door.1"
REPORT = seal_report(DEVICE, KEY, b'{"boot":1}').encode()


def keys_of(device: str) -> list[bytes]:
    return [KEY] if device == DEVICE else []


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def with_header(header: bytes) -> bytes:
    return b64(header) + REPORT[REPORT.index(b".") :]


def test_a_report_comes_out_as_it_went_in() -> None:
    opened = open_report(REPORT, keys_of)
    assert (opened.device, opened.payload) == (DEVICE, b'{"boot":1}')
    assert opened.tag == REPORT.decode().rpartition(".")[2]


def test_a_reply_comes_out_as_it_went_in() -> None:
    assert open_reply(seal_reply(DEVICE, KEY, b"{}").encode(), DEVICE, KEY) == b"{}"


def test_any_jwe_library_opens_a_reply() -> None:
    reply = jwe.decrypt_compact(seal_reply(DEVICE, KEY, b"{}"), OctKey.import_key(KEY))
    assert reply.plaintext == b"{}"


def test_the_protected_header_is_the_agreed_bytes() -> None:
    segment = seal_reply(DEVICE, KEY, b"").partition(".")[0].encode()
    assert base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)) == (
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"front-door.1","typ":"reply"}'
    )


def test_the_same_payload_never_looks_the_same_twice() -> None:
    assert seal_report(DEVICE, KEY, b"{}") != seal_report(DEVICE, KEY, b"{}")


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"front-door.1","typ":"reply"}',
        b'{"alg": "dir","enc":"A128CBC-HS256","kid":"front-door.1","typ":"report"}',
        b'{"enc":"A128CBC-HS256","alg":"dir","kid":"front-door.1","typ":"report"}',
        b'{"alg":"dir","enc":"A256GCM","kid":"front-door.1","typ":"report"}',
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"front-door.1","typ":"report","zip":"DEF"}',
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"","typ":"report"}',
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"a","kid":"b","typ":"report"}',
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"\xc3\xa9","typ":"report"}',
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"../x","typ":"report"}',
        b'{"alg":"dir","enc":"A128CBC-HS256","kid":"%s","typ":"report"}' % (b"a" * 65),
        b"",
        b"null",
    ],
)
def test_any_other_header_is_malformed(header: bytes) -> None:
    with pytest.raises(FrameMalformed):
        open_report(with_header(header), keys_of)


HEADER, EMPTY, IV, CIPHERTEXT, TAG = REPORT.split(b".")


@pytest.mark.parametrize(
    "segments",
    [
        [HEADER, EMPTY, IV, CIPHERTEXT],
        [HEADER, EMPTY, IV, CIPHERTEXT, TAG, b""],
        [HEADER, b64(b"key"), IV, CIPHERTEXT, TAG],
        [HEADER, EMPTY, IV[:-1], CIPHERTEXT, TAG],
        [HEADER, EMPTY, b64(bytes(15)), CIPHERTEXT, TAG],
        [HEADER, EMPTY, b64(bytes(17)), CIPHERTEXT, TAG],
        [HEADER, EMPTY, IV[:-1] + b"B", CIPHERTEXT, TAG],
        [HEADER, EMPTY, IV + b"==", CIPHERTEXT, TAG],
        [HEADER, EMPTY, IV, b"", TAG],
        [HEADER, EMPTY, IV, b64(bytes(15)), TAG],
        [HEADER, EMPTY, IV, b64(bytes(16))[:-1] + b"B", TAG],
        [HEADER, EMPTY, IV, b"A" * 21, TAG],
        [HEADER, EMPTY, IV, CIPHERTEXT + b"\n", TAG],
        [HEADER, EMPTY, IV, b" " + CIPHERTEXT, TAG],
        [HEADER, EMPTY, IV, b"+" + CIPHERTEXT[1:], TAG],
        [HEADER, EMPTY, IV, CIPHERTEXT, TAG[:11]],
        [HEADER, EMPTY, IV, CIPHERTEXT, TAG + b"\n"],
        [HEADER + b"=", EMPTY, IV, CIPHERTEXT, TAG],
        [b""],
    ],
)
def test_only_the_canonical_form_is_a_frame(segments: list[bytes]) -> None:
    with pytest.raises(FrameMalformed):
        open_report(b".".join(segments), keys_of)


def test_a_wrong_key_and_an_unknown_device_give_one_answer() -> None:
    strangers = seal_report("nobody", KEY, b"{}").encode()
    with pytest.raises(FrameUnauthenticated) as unknown:
        open_report(strangers, keys_of)
    with pytest.raises(FrameUnauthenticated) as wrong:
        open_report(REPORT, lambda _: [bytes(32)])
    assert str(unknown.value) == str(wrong.value)


def test_no_character_of_a_frame_can_be_changed() -> None:
    for position in range(len(REPORT)):
        other = b"A" if REPORT[position : position + 1] != b"A" else b"Q"
        changed = REPORT[:position] + other + REPORT[position + 1 :]
        with pytest.raises((FrameMalformed, FrameUnauthenticated)):
            open_report(changed, keys_of)


def test_a_reply_to_another_device_is_not_for_us() -> None:
    with pytest.raises(FrameUnauthenticated):
        open_reply(seal_reply("other", KEY, b"{}").encode(), DEVICE, KEY)


def test_bad_padding_under_a_good_tag_is_refused() -> None:
    """Only an owner of the key can make such a frame; RFC 7518 5.2.2 and PKCS #7."""
    iv, ciphertext = bytes(16), b"\xa5" * 16
    lengths = (len(HEADER) * 8).to_bytes(8, "big")
    tag = hmac.digest(KEY[:16], HEADER + iv + ciphertext + lengths, "sha256")[:16]
    frame = b".".join([HEADER, b"", b64(iv), b64(ciphertext), b64(tag)])
    with pytest.raises(FrameUnauthenticated):
        open_report(frame, keys_of)


def test_an_opened_report_shows_no_secret() -> None:
    shown = repr(open_report(REPORT, keys_of))
    assert not re.search(r"key|payload", shown)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_typed_error(frame: bytes) -> None:
    with pytest.raises((FrameMalformed, FrameUnauthenticated)):
        open_report(frame, keys_of)


@given(
    st.lists(st.one_of(st.binary(max_size=40).map(b64), st.just(HEADER)), min_size=5, max_size=5)
)
def test_any_segments_give_a_typed_error(segments: list[bytes]) -> None:
    with pytest.raises((FrameMalformed, FrameUnauthenticated)):
        open_report(b".".join(segments), keys_of)
