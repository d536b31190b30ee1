"""`python -m tools.sandbox` with accounts, a clock that stands still, and https; our own client
library talks to it."""

import base64
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from host_agent import guardiankey as host
from tests.certificates import Authority
from tools.server_process import ServerProcess

ROOT = Path(__file__).parents[4]
KEY, IV = bytes(range(32)), bytes(range(16))
ENTRY = {
    "auth_group_id": "group-1",
    "organization_id": "organization-1",
    "key": base64.b64encode(KEY).decode(),
    "iv": base64.b64encode(IV).decode(),
    "blocked_users": ["mallory"],
}
ACCOUNT = host.Account(
    agent_id="laptop",
    organization_id="organization-1",
    auth_group_id="group-1",
    key=KEY,
    iv=IV,
    service="door",
)


@pytest.fixture
def accounts(tmp_path):
    file = tmp_path / "accounts.json"
    file.write_text(json.dumps([ENTRY]))
    return file


def sandbox(tmp_path, *arguments):
    command = ("tools.sandbox", "--listen", "127.0.0.1:0", *map(str, arguments))
    return ServerProcess(command, log=tmp_path / "sandbox.log", says="listening on")


def failed(*arguments):
    """Exit code and standard error of a sandbox that cannot start."""
    process = subprocess.run(
        [sys.executable, "-m", "tools.sandbox", "--listen", "127.0.0.1:0", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return process.returncode, process.stderr


@pytest.mark.parametrize("version", [1, 2])
def test_our_client_is_judged(version, tmp_path, accounts):
    with sandbox(tmp_path, "--accounts", accounts) as process:
        client = host.GuardianKey(ACCOUNT, process.address)
        verdicts = [
            client.check_access(user, client_ip="192.0.2.1", version=version)
            for user in ("alice", "mallory")
        ]
    assert [verdict.response for verdict in verdicts] == ["ACCEPT", "BLOCK"]
    assert verdicts[0].event_id and verdicts[0].event_token


def test_our_clients_datagram_is_taken(tmp_path, accounts):
    with sandbox(tmp_path, "--accounts", accounts) as process:
        port = int(process.address.rpartition(":")[2])
        client = host.GuardianKey(ACCOUNT, process.address, ("127.0.0.1", port))
        assert client.send_event("José", transport="udp").taken
        listed = requests.get(
            f"{process.address}/sandbox/guardiankey/events?wait=30", timeout=60
        ).json()
    assert [event["event"]["userName"] for event in listed["events"]] == ["José"]


def test_the_clock_stands_where_it_is_told(tmp_path, accounts):
    with sandbox(tmp_path, "--accounts", accounts, "--now", int(time.time()) - 3600) as process:
        verdict = host.GuardianKey(ACCOUNT, process.address).check_access("alice")
        refused = requests.get(f"{process.address}/sandbox/guardiankey/refused", timeout=60).json()
    assert verdict.response == "ERROR"
    assert refused["refused"][0]["error"].startswith("generatedTime: ")


def test_it_serves_https(tmp_path, accounts):
    authority = Authority(tmp_path)
    pem = authority.certificate()
    options = ("--certificate", pem, "--private-key", pem)
    with sandbox(tmp_path, "--accounts", accounts, *options) as process:
        assert process.address.startswith("https://127.0.0.1:")
        client = host.GuardianKey(ACCOUNT, process.address, ca=authority.pem)
        assert client.check_access("alice").response == "ACCEPT"
        events = requests.get(
            f"{process.address}/sandbox/guardiankey/events", timeout=60, verify=authority.pem
        ).json()["events"]
        assert [event["transport"] for event in events] == ["https"]
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{process.address}/sandbox/events", timeout=60)


def test_accounts_that_cannot_be_used_are_one_clear_line(tmp_path, accounts):
    accounts.write_text(json.dumps([ENTRY | {"key": "short"}]))
    assert failed("--accounts", accounts) == (
        1,
        f"{accounts}: $[0].key: must be 32 bytes in base64\n",
    )
    missing = tmp_path / "none.json"
    assert failed("--accounts", missing) == (
        1,
        f"{missing}: cannot be read: No such file or directory\n",
    )


def test_a_certificate_that_cannot_be_used_is_one_clear_line(tmp_path, accounts):
    pem = Authority(tmp_path).certificate()
    for certificate_file, key_file in ((accounts, pem), (tmp_path / "none", accounts)):
        code, errors = failed("--certificate", certificate_file, "--private-key", key_file)
        assert code == 1
        assert errors.startswith(f"cannot use {certificate_file} with {key_file}: ")
        assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--certificate", "a.pem"), "--certificate and --private-key go together"),
        (("--private-key", "a.pem"), "--certificate and --private-key go together"),
        (("--now", "today"), "--now"),
    ],
)
def test_options_that_cannot_be_used_are_explained(options, problem):
    code, errors = failed(*options)
    assert code == 2
    assert problem in errors


def test_a_collectors_port_in_use_is_one_clear_line():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, errors = failed("--listen", address)
    assert code == 1
    assert errors.startswith(f"cannot listen on {address}: ")
    assert errors.count("\n") == 1
