"""Which of this machine's addresses a board could report to."""

import ipaddress
import socket

from tools.board.addresses import Address, addresses, local_name, reachable


def test_the_likely_ones_come_first_and_loopback_never() -> None:
    found = [
        Address("127.0.0.1", "lo"),
        Address("172.17.0.1", "docker0"),
        Address("169.254.7.7", "eth1"),
        Address("10.8.0.2", "tun0"),
        Address("192.168.1.10", "wlan0"),
        Address("10.0.0.5", "eth0"),
    ]
    assert [one.ip for one in reachable(found)] == [
        "192.168.1.10",
        "10.0.0.5",
        "169.254.7.7",
        "172.17.0.1",
        "10.8.0.2",
    ]


def test_those_of_this_machine_can_be_listened_on() -> None:
    found = addresses()
    for one in found:
        assert one.interface
        assert not ipaddress.ip_address(one.ip).is_loopback
        with socket.create_server((one.ip, 0)):
            pass


def test_the_name_is_that_of_this_machine() -> None:
    name = local_name()
    assert name is None or name == socket.gethostname().partition(".")[0] + ".local"
