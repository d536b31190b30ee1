"""The whole agent, as its boards, its cloud, its service manager and its owner see it."""

import base64
import contextlib
import http.client
import json
import signal
import socket
from pathlib import Path

from host_agent.store import Store


def test_a_press_on_a_board_arrives_as_a_device_event(board, agent, cloud, press) -> None:
    assert board.report(agent.link, press(1, 1, t=1_700_000_000_123)) == {"ack": [1, 1]}
    assert cloud.next_body() == {
        "TYPE": "buttonState",
        "SOURCE": "DEVICE",
        "DEVICE_ID": "door",
        "DEVICE_TYPE": "Lock",
        "SOURCE_GROUP_ID": "hq",
        "EXT_EVT_ID": "door:1:1",
        "TIME": "1700000000123",
        "PARAMS": [{"NAME": "pressed", "VALUE": "true"}],
    }


def test_a_device_added_or_removed_by_the_cli_is_known_at_once(
    agent, thingwarden, tmp_path: Path, make_board, eventually, press
) -> None:
    assert thingwarden("device", "add", "new", "--type", "Lock").returncode == 0
    out = tmp_path / "config.json"
    thingwarden("device", "config", "new", "--agent", agent.link, "--out", str(out))
    config = json.loads(out.read_text())
    board = make_board("new", base64.b64decode(config["key"]), boot=config["boot_floor"] + 1)

    def status() -> int:
        return board.post(agent.link, board.seal())[0]

    eventually(lambda: status() == 200, "the agent knows the device")
    assert board.report(agent.link, press(1, 1)) == {"ack": [1, 1]}
    assert thingwarden("device", "remove", "new").returncode == 0
    eventually(lambda: status() == 401, "the agent has forgotten the device")


def test_what_was_acked_survives_kill_9(board, launch, cloud, press) -> None:
    agent = launch().started()
    cloud.refuse(503)
    assert board.report(agent.link, press(1, 1), press(1, 2)) == {"ack": [1, 2]}
    agent.send(signal.SIGKILL)
    agent.wait()
    cloud.heal()
    agent = launch().started()
    assert board.report(agent.link, press(1, 1), press(1, 2), press(1, 3)) == {"ack": [1, 3]}
    seen: list[str] = []
    while not seen or seen[-1] != "door:1:3":
        seen.append(cloud.next_body()["EXT_EVT_ID"])
    assert sorted(set(seen)) == seen[-3:] == ["door:1:1", "door:1:2", "door:1:3"]


def test_sigterm_lets_a_report_under_way_finish(board, agent, tmp_path: Path, press) -> None:
    frame = board.seal(press(1, 1))
    with socket.create_connection(agent.link.removeprefix("http://").split(":")) as connection:
        connection.sendall(
            b"POST /v1/frames HTTP/1.1\r\nHost: agent\r\nContent-Type: application/jose\r\n"
            b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(frame)
        )
        assert b"100 Continue" in connection.recv(4096)  # the request is under way
        agent.send(signal.SIGTERM)
        connection.sendall(frame)
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert board.open(response.read()) == {"ack": [1, 1]}
        response.close()
    assert agent.wait() == 0
    with Store.open(tmp_path / "thingwarden.db") as store:
        assert [event.seq for event in store.events()] == [1]


def test_ctrl_c_stops_it_too(agent) -> None:
    agent.send(signal.SIGINT)
    assert agent.wait() == 0


def test_a_second_signal_ends_it_at_once(agent, eventually) -> None:
    with socket.create_connection(agent.link.removeprefix("http://").split(":")) as connection:
        connection.sendall(
            b"POST /v1/frames HTTP/1.1\r\nHost: agent\r\nContent-Type: application/jose\r\n"
            b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n"
        )
        assert b"100 Continue" in connection.recv(4096)
        agent.send(signal.SIGTERM)
        eventually(lambda: "stopping" in agent.output(), "the agent drains")
        agent.send(signal.SIGTERM)
        assert agent.wait() == 128 + signal.SIGTERM


def test_a_taken_port_is_told(agent, configure, launch) -> None:
    address = agent.link.removeprefix("http://")
    configure(link={"listen": address}, store={"path": "other.db"})
    other = launch()
    assert other.refused() == 1
    assert f"thingwarden: cannot listen on {address}" in other.output()
    assert "Traceback" not in other.output()


def test_a_second_agent_on_the_store_is_told(agent, launch) -> None:
    other = launch()
    assert other.refused() == 1
    assert "another agent runs on the store" in other.output()
    assert agent.get("/healthz")[0] == 200


def test_a_second_agent_on_a_link_to_the_store_is_told(
    agent, configure, launch, tmp_path: Path
) -> None:
    (tmp_path / "link.db").symlink_to("thingwarden.db")
    configure(store={"path": "link.db"})
    other = launch()
    assert other.refused() == 1
    assert "another agent runs on the store" in other.output()
    assert agent.get("/healthz")[0] == 200


def test_a_store_deleted_at_run_time_ends_the_agent(
    board, launch, tmp_path: Path, press, eventually
) -> None:
    agent = launch().started()
    assert board.report(agent.link, press(1, 1)) == {"ack": [1, 1]}
    (tmp_path / "thingwarden.db").unlink()
    eventually(agent.ended, "the agent notices")
    assert agent.wait() == 1
    assert "was deleted or replaced" in agent.output()
    again = launch().started()
    board.boot, board.frame = board.report(again.link)["boot"] + 1, 0
    assert board.report(again.link, press(board.boot, 1)) == {"ack": [board.boot, 1]}


def test_a_store_that_cannot_be_made_is_told(configure, launch) -> None:
    configure(store={"path": "missing/thingwarden.db"})
    agent = launch()
    assert agent.refused() == 1
    assert "missing" in agent.output()
    assert "Traceback" not in agent.output()


def test_missing_credentials_and_bad_settings_are_told(
    configure, launch, environment: dict[str, str]
) -> None:
    environment["THINGWARDEN_API_SECRET"] = ""
    agent = launch()
    assert agent.refused() == 2
    assert "THINGWARDEN_API_SECRET" in agent.output()
    configure(delivery={"concurrency": 0})
    agent = launch()
    assert agent.refused() == 2
    assert "[delivery] concurrency: " in agent.output()


def test_a_store_damaged_at_run_time_ends_the_agent(
    board, launch, tmp_path: Path, press, eventually
) -> None:
    agent = launch().started()
    assert board.report(agent.link, press(1, 1)) == {"ack": [1, 1]}
    for name in ("thingwarden.db", "thingwarden.db-wal", "thingwarden.db-shm"):
        with (tmp_path / name).open("r+b") as file:
            file.write(b"\xa5" * (tmp_path / name).stat().st_size)

    def ended() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):  # it ends meanwhile
            board.post(agent.link, board.seal(press(1, board.frame)))
        return agent.ended()

    eventually(ended, "the agent notices")
    assert agent.wait() == 1
    assert "thingwarden: " in agent.output().splitlines()[-1]
    again = launch().started()
    board.boot, board.frame = board.report(again.link)["boot"] + 1, 0
    assert board.report(again.link, press(board.boot, 1)) == {"ack": [board.boot, 1]}


def test_the_log_has_no_line_per_event(board, agent, cloud, press) -> None:
    before = agent.output()
    for seq in range(1, 31):
        board.report(agent.link, press(1, seq))
    for _ in range(30):
        cloud.next_body()
    assert agent.output() == before


def test_no_secret_is_ever_logged(board, configure, launch, cloud, press, environment) -> None:
    configure(log={"level": "debug"})
    agent = launch().started()
    board.report(agent.link, press(1, 1), "junk", press(1, 2, type=5), health={"x": "y" * 2000})
    board.report(agent.link, boot="wrong")
    wrong = type(board)("door", bytes(32))
    wrong.post(agent.link, wrong.seal())
    board.post(agent.link, b"rubbish")
    cloud.next_body()
    assert agent.stop() == 0
    key = board.key
    secrets = [
        key.hex(),
        key.hex().upper(),
        key[:16].hex(),
        key[16:].hex(),
        repr(key)[2:-1],
        str(list(key))[1:-1],
        base64.b64encode(key).decode(),
        base64.urlsafe_b64encode(key).decode().rstrip("="),
        *environment.values(),
        base64.b64encode(":".join(environment.values()).encode()).decode(),
    ]
    assert [secret for secret in secrets if secret in agent.output()] == []
