"""Only what a trusted proxy wrote says where a client is."""

import socket
import threading
import time

import pytest

from host_agent.guardiankey import GuardianKeyError, client_address
from host_agent.guardiankey.addresses import reverse_name

PROXIES = ["10.0.0.0/8", "192.0.2.1", "2001:db8:1::/48"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.5", "203.0.113.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.5", "198.51.100.5"),
        ("10.0.0.1", " 198.51.100.5 , 10.0.0.2", "198.51.100.5"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.5", "198.51.100.5"),
        ("10.0.0.1", ",198.51.100.5,", "198.51.100.5"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.5, unknown", "10.0.0.1"),
        ("10.0.0.1", "<script>", "10.0.0.1"),
        ("192.0.2.1", "2001:db8::7", "2001:db8::7"),
        ("2001:db8:1::9", "198.51.100.5", "198.51.100.5"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.5", "198.51.100.5"),
        ("", "198.51.100.5", ""),
        ("unix:", "198.51.100.5", ""),
    ],
)
def test_the_client_s_address(peer, forwarded, client):
    assert client_address(peer, forwarded, PROXIES) == client


def test_without_proxies_nothing_is_believed():
    assert client_address("127.0.0.1", "198.51.100.5", []) == "127.0.0.1"


@pytest.mark.parametrize("proxy", ["", "proxy.example.test", "10.0.0.0/33", "*"])
def test_a_proxy_that_is_no_address(proxy):
    with pytest.raises(GuardianKeyError, match="trusted proxy"):
        client_address("127.0.0.1", None, [proxy])


@pytest.mark.parametrize("address", ["", "nowhere", None, 5, b"127.0.0.1"])
def test_what_is_no_address_has_no_name(address):
    assert reverse_name(address) == ""


def test_a_name_that_is_not_there_is_empty(monkeypatch):
    def unknown(_address, _flags):
        raise socket.gaierror(socket.EAI_NONAME, "no name")

    monkeypatch.setattr(socket, "getnameinfo", unknown)
    assert reverse_name("203.0.113.7") == ""


def test_any_number_of_look_ups_that_hang_wait_half_a_second_each(monkeypatch):
    released = threading.Event()
    asked = []

    def hang(address, _flags):
        asked.append(address)
        released.wait(60)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getnameinfo", hang)
    names = []
    threads = [
        threading.Thread(target=lambda: names.append(reverse_name("203.0.113.7", 1.0)))
        for _ in range(20)
    ]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    released.set()
    assert names == [""] * 20
    assert time.monotonic() - start < 10, "20 s one after the other"
    assert len(asked) <= 4
