"""What the console tells of the agent."""

import json
import re

import pytest


def metric(text: str, name: str) -> float:
    (value,) = re.findall(rf"^thingwarden_{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(value)


def test_a_healthy_agent_is_alive_and_ready(agent) -> None:
    assert agent.get("/healthz") == (200, "ok\n")
    status, text = agent.get("/readyz")
    assert (status, json.loads(text)) == (200, {"ready": True, "reasons": []})


def test_refused_credentials_make_it_unready(board, agent, cloud, press, eventually) -> None:
    cloud.refuse(401)
    board.report(agent.link, press(1, 1))
    eventually(lambda: agent.get("/readyz")[0] == 503, "the agent is not ready")
    (reason,) = json.loads(agent.get("/readyz")[1])["reasons"]
    assert "paused" in reason
    assert metric(agent.get("/metrics")[1], "delivery_paused") == 1
    assert agent.get("/healthz")[0] == 200


def test_a_full_store_makes_it_unready(board, configure, launch, cloud, press) -> None:
    configure(store={"max_events": 1})
    cloud.refuse(503)
    agent = launch().started()
    board.report(agent.link, press(1, 1))
    assert board.report(agent.link, press(1, 1), press(1, 2))["error"] == "full"
    status, text = agent.get("/readyz")
    assert status == 503
    assert "limit" in text


def test_a_device_cannot_spoil_the_metrics(board, agent) -> None:
    board.report(agent.link, health={"discards": 10**400, "gaps": 2})
    status, text = agent.get("/metrics")
    assert status == 200
    assert metric(text, 'device_lost_events{device="door",reason="gaps"}') == 2


def test_the_metrics_tell_what_came_in(board, agent, cloud, press, eventually) -> None:
    board.report(agent.link, press(1, 1), press(1, 2, type=0), health={"discards": 4})
    board.report(agent.link, press(1, 1))
    frame = board.seal()
    board.post(agent.link, frame)
    board.post(agent.link, frame)
    board.post(agent.link, b"rubbish")
    cloud.next_body()

    def delivered() -> str | None:
        text = agent.get("/metrics")[1]
        return text if metric(text, "backlog_events") == 0 else None

    text = eventually(delivered, "the event is delivered")
    assert metric(text, 'frames_total{result="accepted"}') == 3
    assert metric(text, 'frames_total{result="stale"}') == 1
    assert metric(text, 'frames_total{result="malformed"}') == 1
    assert metric(text, 'events_total{outcome="stored"}') == 1
    assert metric(text, 'events_total{outcome="duplicate"}') == 1
    assert metric(text, 'events_total{outcome="dead"}') == 1
    assert metric(text, 'deliveries_total{outcome="delivered"}') == 1
    assert metric(text, "dead_letters") == 1
    assert metric(text, "oldest_pending_seconds") == 0
    assert metric(text, 'device_lost_events{device="door",reason="discards"}') == 4
    assert metric(text, 'device_stale_frames{device="door"}') == 1
    assert metric(text, 'device_last_seen_timestamp_seconds{device="door"}') > 1_700_000_000


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_name_of_somebody_else_is_refused(agent, path: str) -> None:
    assert agent.get(path, Host="evil.example")[0] == 400


@pytest.mark.parametrize(
    "address", ["127.0.0.2:0", "[::1]:0", "[0:0:0:0:0:0:0:1]:0", "LOCALHOST:0"]
)
def test_a_loopback_address_spelled_otherwise_is_as_safe(configure, launch, address: str) -> None:
    configure(console={"listen": address})
    agent = launch().started()
    assert agent.get("/healthz")[0] == 200
    assert agent.get("/healthz", Host="evil.example")[0] == 400
    assert agent.get("/healthz", Host="localhost:8711")[0] == 200
    assert agent.get("/healthz", Host="[::1]:8711")[0] == 200


def test_the_link_shows_nothing_of_the_console(agent) -> None:
    agent.console = agent.link
    assert agent.get("/metrics")[0] == 404
