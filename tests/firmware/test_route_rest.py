"""The exchange itself, over plain http; tests/end_to_end/test_board_rest.py has the TLS."""

import json
from time import sleep_ms, ticks_diff, ticks_ms

from server import serving
from support import raises
from warden import direct_route, rtc
from warden.config_checks import ConfigError
from warden.route_rest import RestRoute


class Settings:
    auth_group_id = 'group "1"'
    ca = "ca.der"

    def __init__(self, api):
        self.api = api


class Api:
    """A server that keeps what it is asked and answers as the test wants."""

    def __init__(self, behaviour):
        self._behaviour = behaviour
        self.requests = []
        self.address = serving(self._talk)

    def _talk(self, connection):
        self.requests.append(connection.receive_until(b"}"))
        self._behaviour(connection)
        connection.close()


def answering(body, status=b"200 OK"):
    """Answers with that body and status."""
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
    return lambda connection: connection.send(head + body)


def outcome(route):
    began = ticks_ms()
    while True:
        answer = route.take()
        if answer:
            return answer
        assert ticks_diff(ticks_ms(), began) < 40000, "no end"
        sleep_ms(5)


def attempt(behaviour, ask=True, deadline_ms=30000):
    """(what the route tells of one attempt, the requests that the server got)."""
    api = Api(behaviour)
    route = RestRoute(Settings(api.address), deadline_ms)
    route.send(7, b"bWVzc2FnZQ==", ask)
    return outcome(route), api.requests


def test_a_verdict_is_asked_for_at_checkaccess():
    answer, requests = attempt(answering(b'{"response":"ACCEPT","risk":"0.1"}'))
    assert answer == (7, "ACCEPT", False)
    assert len(requests) == 1
    head, body = requests[0].split(b"\r\n\r\n", 1)
    assert head.startswith(b"POST /checkaccess HTTP/1.")
    assert b"Content-Type: application/json\r\n" in head + b"\r\n"
    assert json.loads(body) == {"id": 'group "1"', "message": "bWVzc2FnZQ=="}


def test_a_late_attempt_goes_to_sendevent_and_any_200_will_do():
    for body in (b"", b"thanks", b'{"response":"BLOCK"}'):
        answer, requests = attempt(answering(body), ask=False)
        assert answer == (7, "SENT", False)
        assert requests[0].startswith(b"POST /sendevent HTTP/1.")


def test_both_vocabularies_are_understood():
    for text, response in (
        ("ACCEPT", "ACCEPT"),
        ("ALLOW", "ACCEPT"),
        ("NOTIFY", "NOTIFY"),
        ("HARD_NOTIFY", "HARD_NOTIFY"),
        ("EXTRAREQUIREMENT", "HARD_NOTIFY"),
        ("BLOCK", "BLOCK"),
    ):
        body = json.dumps({"response": text}).encode()
        assert attempt(answering(body))[0] == (7, response, False)


def test_an_answer_without_a_known_response_is_no_verdict_and_the_event_is_not_sent_again():
    for body in (
        b'{"response":"TIMEOUT"}',
        b'{"response":"ERROR"}',
        b'{"response":"SETTING_MISSING"}',
        b'{"response":"accept"}',
        b'{"response":["ACCEPT"]}',
        b'{"response":null}',
        b'{"verdict":"ACCEPT"}',
        b'[{"response":"ACCEPT"}]',
        b'"ACCEPT"',
        b"null",
        b"",
        b"<html>ACCEPT</html>",
        b'{"response":"ACCEPT"',
        b'{"response":"ACCEPT"} and more',
        b'{"response":"ACCEPT","message":"' + b"x" * 5000 + b'"}',
    ):
        assert attempt(answering(body))[0] == (7, "ERROR", False), body[:40]


def test_a_refusal_for_good_is_told_from_one_of_the_moment():
    verdict = b'{"response":"ACCEPT"}'
    for status, retry in (
        (b"400 Bad Request", False),
        (b"401 Unauthorized", False),
        (b"403 Forbidden", False),
        (b"404 Not Found", False),
        (b"413 Too Large", False),
        (b"408 Timeout", True),
        (b"429 Too Many", True),
        (b"500 Broken", True),
        (b"503 Busy", True),
        (b"304 Not Modified", True),
    ):
        for ask in (True, False):
            assert attempt(answering(verdict, status), ask)[0] == (7, "ERROR", retry), status


def test_a_redirect_is_not_followed():
    def redirect(connection):
        connection.send(b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\n\r\n")

    answer, requests = attempt(redirect)
    assert answer == (7, "ERROR", True) and len(requests) == 1


def test_an_endless_head_or_body_is_cut_off():
    def head(connection):
        connection.send(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            connection.send(b"y" * 1000)

    def body(connection):
        connection.send(b'HTTP/1.1 200 OK\r\n\r\n{"response":"ACCEPT","m":"')
        while True:
            connection.send(b"y" * 1000)

    assert attempt(head)[0] == (7, "ERROR", True)
    assert attempt(body)[0] == (7, "ERROR", False)


def test_a_hanging_or_dripping_server_costs_no_more_than_the_deadline():
    def drip(connection):
        for byte in b'HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{"response":"ACCEPT"}':
            connection.send(bytes([byte]))
            sleep_ms(400)  # 24 s in all

    for behaviour in (drip, lambda connection: sleep_ms(60000)):
        began = ticks_ms()
        assert attempt(behaviour, deadline_ms=1000)[0] == (7, "ERROR", True)
        assert 1000 <= ticks_diff(ticks_ms(), began) < 20000


def test_after_a_failure_the_route_can_be_used_again():
    api = Api(lambda connection: sleep_ms(700))
    route = RestRoute(Settings(api.address), 300)
    for sequential in (1, 2):
        assert route.idle()
        route.send(sequential, b"bQ==", True)
        assert not route.idle()
        assert outcome(route) == (sequential, "ERROR", True)
        assert route.take() is None
        began = ticks_ms()
        while not route.idle():
            assert ticks_diff(ticks_ms(), began) < 40000, "the worker did not come back"
            sleep_ms(5)


def test_nobody_there_is_an_error_to_retry():
    route = RestRoute(Settings("http://127.0.0.1:1"))
    route.send(9, b"bQ==", False)
    assert outcome(route) == (9, "ERROR", True)


def test_https_needs_a_certificate_to_trust():
    with raises(ConfigError, "guardiankey.ca: ca.der"):
        RestRoute(Settings("https://api.guardiankey.io"))
    for content in (b"", b"no certificate", b"\x30\x03\x02\x01\x01"):
        with open("ca.der", "wb") as file:
            file.write(content)
        with raises(ConfigError, "guardiankey.ca: ca.der"):
            RestRoute(Settings("https://api.guardiankey.io"))


class UnsetRtc:
    """machine.RTC after a power cut."""

    def datetime(self):
        return (2000, 1, 1, 5, 0, 3, 0, 0)


class Ntptime:
    """ntptime of an ESP32, whose network answers at the second time."""

    calls = 0

    @staticmethod
    def settime():
        Ntptime.calls += 1
        if Ntptime.calls < 2:
            raise OSError(110)
        rtc._rtc = None  # the Unix port's own clock


def test_a_clock_that_was_never_set_is_set_before_the_first_attempt():
    direct_route.ntptime = Ntptime  # an ESP32 has it, the Unix port has not
    direct_route._CLOCK_AGAIN_MS = 50
    rtc._rtc = UnsetRtc
    api = Api(answering(b'{"response":"ACCEPT"}'))
    route = RestRoute(Settings(api.address), 30000)
    began = ticks_ms()
    while not (route.idle() and route._has_time):
        route.tick()
        assert ticks_diff(ticks_ms(), began) < 40000
        sleep_ms(5)
    assert Ntptime.calls == 2 and rtc.now_ms() is not None and not api.requests
    route.send(7, b"bQ==", True)
    assert outcome(route) == (7, "ACCEPT", False)
