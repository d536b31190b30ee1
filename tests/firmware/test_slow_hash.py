import binascii
from time import ticks_diff, ticks_ms

from support import raises
from warden.slow_hash import Pbkdf2

# The first 16 bytes of known PBKDF2-HMAC-SHA256 results; the first two are of RFC 7914 11.
VECTORS = (
    (b"passwd", b"salt", 1, b"55ac046e56e3089fec1691c22544b605"),
    (b"Password", b"NaCl", 80000, b"4ddcd8f60b98be21830cee5ef22701f9"),
    (b"password", b"salt", 1, b"120fb6cffcf8b32c43e7225256c4f837"),
    (b"password", b"salt", 2, b"ae4d0c95af6b46d32d0adff928f06dd0"),
    (b"password", b"salt", 4096, b"c5e478d59288c841aa530db6845c4c8d"),
    (
        b"passwordPASSWORDpassword",
        b"saltSALT" * 4 + b"salt",
        4096,
        b"348c89dbcbd32b2f32d814b8116e84cf",
    ),
    (b"pass\0word", b"sa\0lt", 4096, b"89b69d0516f829893c696226650a8687"),
)


def test_known_results():
    for password, salt, iterations, expected in VECTORS:
        result = Pbkdf2(password, salt, iterations).step(60000)
        assert binascii.hexlify(result) == expected, (password, iterations)


def test_slices_of_any_size_come_to_the_same_result():
    whole = Pbkdf2(b"code:1234", bytes(16), 500).step(60000)
    for budget_ms in (0, 1):
        sliced = Pbkdf2(b"code:1234", bytes(16), 500)
        steps = 1
        result = sliced.step(budget_ms)
        while result is None:
            steps += 1
            result = sliced.step(budget_ms)
        assert result == whole == sliced.step(0)
        assert steps == 500 if budget_ms == 0 else steps < 500


def test_a_step_takes_its_budget_and_little_more():
    slow = Pbkdf2(b"code:1234", bytes(16), 1 << 28)
    took = []
    for _ in range(50):
        started = ticks_ms()
        assert slow.step(4) is None
        took.append(ticks_diff(ticks_ms(), started))
    assert 4 <= min(took) <= 8  # the others may have shared the processor


def test_no_iterations_are_refused():
    with raises(ValueError, "iterations"):
        Pbkdf2(b"code:1234", bytes(16), 0)
