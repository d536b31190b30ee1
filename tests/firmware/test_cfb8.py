import os

from cryptolib import aes
from support import no_allocation, raises
from warden import cfb8, cfb8_viper

VARIANTS = (
    (cfb8.plain_register, cfb8.plain_run),
    (cfb8_viper.register, cfb8_viper.run),
)

# NIST SP 800-38A F.3.11 and F.3.12
KEY = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
IV = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
PLAIN = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d")
CIPHER = bytes.fromhex("dc1f1a8520a64db55fcc8ac554844e889700")


def each_variant():
    """Sets up cfb8 with one variant after the other."""
    for cfb8.register, cfb8.run in VARIANTS:
        yield


def test_native_code_is_what_is_used_here():
    assert cfb8.run is cfb8_viper.run and cfb8.register is cfb8_viper.register


def test_nist_f_3_11_encrypts():
    for _ in each_variant():
        assert cfb8.encrypt(KEY, IV, PLAIN) == CIPHER


def test_nist_f_3_12_decrypts():
    for _ in each_variant():
        assert cfb8.decrypt(KEY, IV, CIPHER) == PLAIN


def test_every_length_comes_back_and_is_kept():
    for _ in each_variant():
        for length in list(range(50)) + [255, 256, 257, 2000]:
            data = os.urandom(length)
            ciphertext = cfb8.encrypt(KEY, IV, data)
            assert len(ciphertext) == length
            assert cfb8.decrypt(KEY, IV, ciphertext) == data


def test_both_variants_give_the_same_bytes():
    data = os.urandom(1000)
    assert len({cfb8.encrypt(KEY, IV, data) for _ in each_variant()}) == 1


def test_the_loop_allocates_nothing():
    encrypt_block = aes(KEY, 1).encrypt
    pad = bytearray(16)
    data = os.urandom(500)
    result = bytearray(500)
    for register, run in VARIANTS:
        state = register(IV)
        with no_allocation():
            run(encrypt_block, state, pad, data, result, result)
        assert cfb8.decrypt(KEY, IV, result) == data


def test_a_locked_heap_does_refuse():
    with raises(MemoryError), no_allocation():
        bytearray(100)


def test_any_bytes_like_is_taken_and_left_as_it_was():
    key, iv, data = bytearray(KEY), bytearray(IV), bytearray(PLAIN)
    for _ in each_variant():
        assert cfb8.encrypt(memoryview(key), memoryview(iv), memoryview(data)) == CIPHER
        assert cfb8.decrypt(key, iv, bytearray(CIPHER)) == PLAIN
        assert (key, iv, data) == (KEY, IV, PLAIN)


def test_keys_and_ivs_of_other_lengths_are_refused_by_name():
    for apply in (cfb8.encrypt, cfb8.decrypt):
        for length in (0, 8, 16, 24, 31, 33, 64):
            with raises(ValueError, "key must have 32 bytes"):
                apply(bytes(length), IV, PLAIN)
        for length in (0, 8, 12, 15, 17, 32):
            with raises(ValueError, "iv must have 16 bytes"):
                apply(KEY, bytes(length), PLAIN)


def test_text_is_refused_and_never_quoted():
    secret = "correct horse battery staple 32!"
    for name, arguments in (
        ("key", (secret, IV, PLAIN)),
        ("iv", (KEY, secret[:16], PLAIN)),
        ("data", (KEY, IV, secret)),
        ("data", (KEY, IV, None)),
    ):
        for apply in (cfb8.encrypt, cfb8.decrypt):
            try:
                apply(*arguments)
            except ValueError as error:
                assert str(error) == name + " must be bytes"
            else:
                raise AssertionError("taken")
