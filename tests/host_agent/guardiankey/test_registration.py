"""An account is made here and registered there; whatever goes wrong is told without its key."""

import base64
import json
from urllib.parse import parse_qs, quote, urlencode

import pytest

from host_agent.guardiankey import (
    Account,
    AccountError,
    Email,
    GuardianKeyError,
    RegistrationError,
    Webhook,
)

IDS = b'{"authGroupId": "group-7", "organizationId": "organization-7"}'
SMTP = Email("smtp.example.test", 465, "robot", "pass word", "SSL")


def form_of(request):
    form = parse_qs(request.split(b"\r\n\r\n", 1)[1].decode(), strict_parsing=True)
    return {name: value for name, (value,) in form.items()}


def test_an_account_of_ones_own(api):
    endpoint = api(IDS)
    first = Account.register("admin+door@example.test", api=endpoint.base, service="Doors")
    second = Account.register("admin+door@example.test", api=endpoint.base)
    assert (first.auth_group_id, first.organization_id) == ("group-7", "organization-7")
    assert (first.service, second.service) == ("Doors", "ThingWarden")
    for name in ("key", "iv", "agent_id"):
        assert getattr(first, name) != getattr(second, name)
    assert form_of(endpoint.requests[0]) == {
        "email": "admin+door@example.test",
        "keyb64": first.key_text,
        "ivb64": first.iv_text,
    }


@pytest.mark.parametrize(
    ("notify", "method", "data"),
    [
        (
            Webhook("https://h.example.test/x"),
            "webhook",
            {"webhook_url": "https://h.example.test/x"},
        ),
        (
            SMTP,
            "email",
            {
                "smtp_method": "SSL",
                "smtp_host": "smtp.example.test",
                "smtp_port": "465",
                "smtp_user": "robot",
                "smtp_pass": "pass word",
            },
        ),
    ],
)
def test_where_notifications_go(api, notify, method, data):
    endpoint = api(IDS)
    Account.register("admin@example.test", notify, endpoint.base)
    form = form_of(endpoint.requests[0])
    assert form["notify_method"] == method
    assert json.loads(base64.b64decode(form["notify_data"])) == data


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"e-mail already registered", 200, r"made no account \(HTTP status 200\): e-mail alr"),
        (b"no\n\tmore   accounts", 400, r"\(HTTP status 400\): no more accounts"),
        (IDS, 500, "HTTP status 500"),
        (b"[]", 200, "made no account"),
        (b"{}", 200, "has no authGroupId"),
        (b'{"authGroupId": "g"}', 200, "has no organizationId"),
        (b'{"authGroupId": true, "organizationId": "o"}', 200, "has no authGroupId"),
        (b'{"authGroupId": "a|b", "organizationId": "o"}', 200, r"cannot be used: auth_group_id"),
    ],
)
def test_no_account_is_an_error(api, body, status, told):
    with pytest.raises(RegistrationError, match=told):
        Account.register("admin@example.test", api=api(body, status).base)


def test_an_answer_that_repeats_the_secrets_does_not_show_them(serve):
    def repeat(connection):
        body = endpoint.requests[0].split(b"\r\n\r\n", 1)[1]
        form = {name: value for name, (value,) in parse_qs(body.decode()).items()}
        told = json.dumps([form["keyb64"], form["ivb64"], form["notify_data"], "pass word"])
        connection.sendall(f"HTTP/1.1 400 X\r\nContent-Length: {len(told)}\r\n\r\n{told}".encode())

    endpoint = serve(repeat)
    with pytest.raises(RegistrationError) as error:
        Account.register("admin@example.test", SMTP, endpoint.base)
    assert str(error.value).endswith('["***", "***", "***", "***"]')


@pytest.mark.parametrize(
    "spelt",
    [
        lambda text: json.dumps(text).replace("/", r"\/"),
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: urlencode({"x": text}),
        lambda text: quote(text, safe=""),
    ],
    ids=["PHP's JSON", "JSON", "form", "URL"],
)
def test_an_answer_that_spells_the_secrets_otherwise_does_not_show_them(spelt, serve):
    def repeat(connection):
        body = endpoint.requests[0].split(b"\r\n\r\n", 1)[1]
        form = {name: value for name, (value,) in parse_qs(body.decode()).items()}
        texts = [form["keyb64"], form["notify_data"], notify.password]
        told = " ".join(spelt(text) for text in texts).encode()
        connection.sendall(b"HTTP/1.1 400 X\r\nContent-Length: %d\r\n\r\n" % len(told) + told)

    notify = Email("smtp.example.test", password='päss/"wörd"+?')
    endpoint = serve(repeat)
    with pytest.raises(RegistrationError) as error:
        Account.register("admin@example.test", notify, endpoint.base)
    told = str(error.value).partition("): ")[2]
    assert told.replace('"', "").replace("x=", "") == "*** *** ***"


def test_no_account_is_made_that_could_not_be_returned(api):
    endpoint = api(IDS)
    with pytest.raises(AccountError, match="service must be"):
        Account.register("admin@example.test", api=endpoint.base, service="")
    with pytest.raises(RegistrationError, match="notify must be a Webhook or an Email"):
        Account.register("admin@example.test", "https://h.example.test/x", endpoint.base)
    assert endpoint.requests == []


def test_a_broken_answer_is_an_error(serve):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n"
    endpoint = serve(lambda connection: connection.sendall(answer))
    with pytest.raises(RegistrationError, match="no answer from GuardianKey: connection failed"):
        Account.register("admin@example.test", api=endpoint.base)


def test_nobody_there(unused_port):
    with pytest.raises(RegistrationError, match="no answer from GuardianKey: could not connect"):
        Account.register("admin@example.test", api=f"http://127.0.0.1:{unused_port}")


@pytest.mark.parametrize("email", ["", "admin", "@", "a@\nb", None, 5, "\ud800@x"])
def test_an_address_that_is_none(email):
    with pytest.raises(RegistrationError, match="email must be an address"):
        Account.register(email)


def test_an_api_that_would_show_the_key():
    with pytest.raises(GuardianKeyError, match="api must be https"):
        Account.register("admin@example.test", api="http://example.test")


@pytest.mark.parametrize("url", ["", "example.test", "ftp://x", "https://", "https://a b\n", None])
def test_a_webhook_that_is_no_url(url):
    with pytest.raises(RegistrationError, match="webhook must be a URL"):
        Webhook(url)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("host", None),
        ("port", 0),
        ("port", "587"),
        ("port", True),
        ("user", "a\nb"),
        ("password", 5),
        ("security", None),
    ],
)
def test_a_mail_server_that_cannot_be(field, value):
    with pytest.raises(RegistrationError, match=f"smtp {field}"):
        Email(**{"host": "smtp.example.test", field: value})


def test_the_mail_password_is_not_shown():
    assert "pass word" not in repr(SMTP)
