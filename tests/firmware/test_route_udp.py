import socket
from time import sleep_ms, ticks_diff, ticks_ms

from warden.route_udp import UdpRoute


class Settings:
    auth_group_id = "group-1"

    def __init__(self, collector):
        self.collector = collector


def collector():
    """(a bound socket, "host:port"): the Unix port has no getsockname, so a free port is tried."""
    for port in range(20000, 60000, 7):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        except OSError:
            sock.close()
            continue
        sock.settimeout(5)
        return sock, "127.0.0.1:%d" % port
    raise AssertionError("no free port")


def outcome(route):
    began = ticks_ms()
    while True:
        answer = route.take()
        if answer:
            return answer
        assert ticks_diff(ticks_ms(), began) < 10000, "no end"
        sleep_ms(5)


def test_an_attempt_is_one_datagram_and_counts_as_sent():
    sock, address = collector()
    route = UdpRoute(Settings(address))
    assert route.idle() and route.take() is None
    for sequential, ask in ((7, True), (8, False)):
        route.send(sequential, b"bWVzc2FnZQ==", ask)
        assert not route.idle()
        assert outcome(route) == (sequential, "SENT", False)
        assert route.idle() and route.take() is None
        assert sock.recv(4000) == b"group-1|bWVzc2FnZQ=="
    sock.settimeout(0.2)
    try:
        sock.recv(4000)
        raise AssertionError("one more datagram")
    except OSError:
        pass


def test_a_name_that_cannot_be_resolved_is_an_error_to_retry_and_the_route_goes_on():
    route = UdpRoute(Settings("no-such-name.invalid:8888"), 8000)
    for sequential in (1, 2):
        route.send(sequential, b"bQ==", True)
        assert outcome(route) == (sequential, "ERROR", True)
        assert route.idle()
