import base64
from pathlib import Path

import pytest


@pytest.fixture
def send(ready, cloud, environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`thingwarden send` with an account at the local cloud."""
    (tmp_path / "agent.toml").write_text(f'[securithings]\nurl = "{cloud.url}"\n')
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: ready("send", *arguments)


def test_an_event_arrives_and_the_answer_is_shown(send, cloud) -> None:
    outcome = send("buttonState", "pressed=true", "--device", "door")
    assert (outcome.code, outcome.out) == (0, '201 {"status": "accepted"}\n')
    body = cloud.next_body()
    assert body.pop("TIME").isdigit()
    assert body == {
        "TYPE": "buttonState",
        "SOURCE": "DEVICE",
        "DEVICE_ID": "door",
        "DEVICE_TYPE": "Lock",
        "PARAMS": [{"NAME": "pressed", "VALUE": "true"}],
    }


def test_parameters_may_come_after_the_options(send, cloud) -> None:
    assert send("x", "--device", "door", "p=1", "q=2").code == 0
    assert [param["NAME"] for param in cloud.next_body()["PARAMS"]] == ["p", "q"]
    assert send("x", "p=1", "--device", "door", "q=2").code == 0
    assert [param["NAME"] for param in cloud.next_body()["PARAMS"]] == ["p", "q"]


def test_a_value_too_deep_for_json_is_text(send, cloud) -> None:
    assert send("x", "p=" + "[" * 50_000, "--device", "door").code == 0
    assert cloud.next_body()["PARAMS"] == [{"NAME": "p", "VALUE": "[" * 50_000}]


def test_values_are_typed_as_in_json_else_text(send, cloud) -> None:
    values = ["a=1", "b=21.50", 'c="1"', "d=on", "e=", "f=x=y", "g=NaN", "h=[1]", "i=null"]
    send("x", *values, "--device", "door")
    sent = {param["NAME"]: param["VALUE"] for param in cloud.next_body()["PARAMS"]}
    assert sent == {
        "a": "1",
        "b": "21.5",
        "c": "1",
        "d": "on",
        "e": "",
        "f": "x=y",
        "g": "NaN",
        "h": "[1]",
        "i": "null",
    }


def test_a_device_unknown_here_needs_its_type(send, cloud) -> None:
    assert send("x", "--device", "other").code == 2
    assert send("x", "--device", "other", "--device-type", "Alarm").code == 0
    assert cloud.next_body()["DEVICE_TYPE"] == "Alarm"


@pytest.mark.parametrize("status", [400, 401, 503])
def test_a_refusal_is_shown_and_fails(send, cloud, environment, status: int) -> None:
    cloud.refuse(status)
    outcome = send("x", "--device", "door")
    assert outcome.code == 1
    assert str(status) in outcome.out
    assert str(status) in outcome.err
    assert environment["THINGWARDEN_API_SECRET"] not in outcome.out + outcome.err


@pytest.mark.parametrize("status", [201, 400])
def test_a_secret_in_the_answer_is_not_shown(
    send, serve, environment, tmp_path: Path, status: int
) -> None:
    key, secret = environment.values()
    token = base64.b64encode(f"{key}:{secret}".encode()).decode()
    echo = f"you: {key} {secret} {token}".encode()
    head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(echo))
    endpoint = serve(lambda connection: connection.sendall(head + echo))
    (tmp_path / "agent.toml").write_text(f'[securithings]\nurl = "{endpoint.url}"\n')
    outcome = send("x", "--device", "door")
    assert outcome.out == f"{status} you: *** *** ***\n"
    assert [text for text in (key, secret, token) if text in outcome.err] == []


def test_no_answer_fails(send, tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text('[securithings]\nurl = "http://127.0.0.1:1/"\n')
    outcome = send("x", "--device", "door")
    assert outcome.code == 1
    assert "no answer from http://127.0.0.1:1/" in outcome.err


@pytest.mark.parametrize("param", ["pressed", "=1"])
def test_a_parameter_needs_a_name_and_a_value(send, param: str) -> None:
    assert send("x", param, "--device", "door").code == 2


def test_without_credentials_nothing_is_sent(send, cloud, monkeypatch) -> None:
    monkeypatch.delenv("THINGWARDEN_API_SECRET")
    outcome = send("x", "--device", "door")
    assert outcome.code == 2
    assert "THINGWARDEN_API_SECRET" in outcome.err
    assert cloud.received() == []
