"""An account is whole or it is not made; its secrets show nowhere but in its file."""

import base64
import dataclasses
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_agent.guardiankey import Account, AccountError

FIELDS = {
    "agent_id": "agent-1",
    "organization_id": "organization-1",
    "auth_group_id": "group-1",
    "key": b"key-" * 8,
    "iv": b"iv--" * 4,
}
REFERENCE = {
    "agentid": "agent-1",
    "key": base64.b64encode(b"key-" * 8).decode(),
    "iv": base64.b64encode(b"iv--" * 4).decode(),
    "service": "Lab",
    "orgid": "organization-1",
    "authgroupid": "group-1",
    "reverse": "True",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("agent_id", ""),
        ("agent_id", None),
        ("organization_id", 7),
        ("auth_group_id", b"group-1"),
        ("auth_group_id", "a|b"),
        ("auth_group_id", "a\nb"),
        ("service", "x" * 257),
        ("service", "\ud800"),
        ("key", b"k" * 16),
        ("key", b"k" * 24),
        ("key", b"k" * 40),
        ("key", base64.b64encode(b"k" * 32).decode()),
        ("key", None),
        ("iv", b"i" * 8),
        ("iv", b""),
        ("reverse", "False"),
        ("reverse", 1),
    ],
)
def test_a_field_that_cannot_be_right_is_named(field, value):
    with pytest.raises(AccountError, match=f"^{field} "):
        Account(**FIELDS | {field: value})


def test_the_secrets_are_not_shown():
    account = Account(**FIELDS)
    shown = repr(account) + str(account)
    for secret in ("key-key", "iv--iv", account.key_text, account.iv_text):
        assert secret not in shown
    assert "agent-1" in shown


def test_from_and_to_the_reference():
    account = Account.from_reference(REFERENCE)
    assert account == Account(**FIELDS, service="Lab", reverse=True)
    assert account.to_reference() == REFERENCE


def test_the_reference_registers_a_groupid_and_configures_an_authgroupid():
    registered = {name: value for name, value in REFERENCE.items() if name != "authgroupid"}
    registered |= {"groupid": "group-1", "email": "admin@example.test"}
    assert Account.from_reference(registered) == Account.from_reference(REFERENCE)
    with pytest.raises(AccountError, match="authgroupid and groupid differ"):
        Account.from_reference(REFERENCE | {"groupid": "group-2"})


@pytest.mark.parametrize("yes", [True, 1, "1", "true", "True", "yes"])
def test_every_yes_of_the_reference(yes):
    assert Account.from_reference(REFERENCE | {"reverse": yes}).reverse is True


@pytest.mark.parametrize("no", [False, 0, None, "", "0", "false", "False", "no"])
def test_every_no_of_the_reference(no):
    assert Account.from_reference(REFERENCE | {"reverse": no}).reverse is False


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("agentid", "", "agentid must be 1 to 256 printable characters"),
        ("orgid", None, "orgid must be a text"),
        ("authgroupid", True, "authgroupid must be a text"),
        ("key", "a", "key is not standard base64"),
        ("key", REFERENCE["key"] + "\n", "key is not standard base64"),
        ("key", REFERENCE["key"].rstrip("="), "key is not standard base64"),
        ("key", "é" * 44, "key is not standard base64"),
        ("key", REFERENCE["iv"], "key must be the base64 of 32 bytes, not of 16"),
        ("iv", REFERENCE["key"], "iv must be the base64 of 16 bytes, not of 32"),
        ("iv", 5, "iv must be a text in base64"),
        ("iv", "aXYtLWl2LS1pdi0taXYtLR==", "its last characters cannot be right"),
        ("reverse", "maybe", "reverse must be True or False"),
    ],
)
def test_a_mistake_in_the_reference_s_configuration_is_named_as_there(name, value, told):
    with pytest.raises(AccountError, match=told) as error:
        Account.from_reference(REFERENCE | {name: value})
    assert "a2V5LWtleS1" not in str(error.value)


@pytest.mark.parametrize("name", ["agentid", "key", "iv", "orgid", "authgroupid"])
def test_what_the_reference_must_configure(name):
    with pytest.raises(AccountError, match=f"{name} is missing"):
        Account.from_reference({key: value for key, value in REFERENCE.items() if key != name})


def test_a_file_is_written_for_its_owner_and_read_again(tmp_path):
    path = tmp_path / "guardiankey.toml"
    account = Account(**FIELDS, service="Tür 5", reverse=True)
    account.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Account.load(path) == account


printable = st.text(min_size=1, max_size=256).filter(lambda text: text.isprintable())


@given(
    printable, printable.filter(lambda text: "|" not in text), st.binary(min_size=32, max_size=32)
)
def test_every_account_survives_its_file(tmp_path_factory, text, group, key):
    path = tmp_path_factory.mktemp("account") / "guardiankey.toml"
    account = Account(**FIELDS | {"agent_id": text, "auth_group_id": group, "key": key})
    account.save(path)
    assert Account.load(path) == account


def test_a_file_is_not_replaced_by_accident(tmp_path):
    path = tmp_path / "guardiankey.toml"
    account = Account(**FIELDS)
    account.save(path)
    other = dataclasses.replace(account, service="Other")
    with pytest.raises(AccountError, match="is there already"):
        other.save(path)
    assert Account.load(path) == account
    other.save(path, replace=True)
    assert Account.load(path) == other
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "is not TOML"),
        ('agent_id = "a"', "organization_id is missing"),
        ('agnet_id = "a"', "agnet_id: unknown field; known are agent_id"),
        ('key = "a2V5"', "agent_id is missing"),
        ("\xff", "is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_account_is_named(tmp_path, text, told):
    path = tmp_path / "guardiankey.toml"
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(AccountError, match=told) as error:
        Account.load(path)
    assert str(path) in str(error.value)


def test_a_bad_field_in_a_file_is_named_without_its_value(tmp_path):
    path = tmp_path / "guardiankey.toml"
    Account(**FIELDS).save(path)
    path.write_text(path.read_text().replace("a2V5LWtleS1", "a2V5LWtleS1A"))
    with pytest.raises(AccountError, match=r"guardiankey.toml: key ") as error:
        Account.load(path)
    assert "a2V5" not in str(error.value)


@pytest.mark.parametrize("path", ["missing.toml", "missing/guardiankey.toml", ".", "a\0b"])
def test_a_place_that_cannot_be_is_told(tmp_path, path):
    with pytest.raises(AccountError):
        Account.load(tmp_path / path)
    if path != "missing.toml":
        with pytest.raises(AccountError):
            Account(**FIELDS).save(tmp_path / path)


@pytest.mark.parametrize("replace", [False, True])
def test_a_full_disk_leaves_no_half_written_file(tmp_path, replace):
    code = (
        "import resource, signal, sys\n"
        "from host_agent.guardiankey import Account, AccountError\n"
        f"account = Account(**{FIELDS!r})\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n"
        f"    account.save(sys.argv[1], replace={replace})\n"
        "except AccountError:\n"
        "    sys.exit(7)\n"
    )
    command = [sys.executable, "-c", code, tmp_path / "guardiankey.toml"]
    assert subprocess.run(command, timeout=60, check=False).returncode == 7
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_others_can_read_is_warned_of(tmp_path, caplog):
    path = tmp_path / "guardiankey.toml"
    Account(**FIELDS).save(path)
    Account.load(path)
    assert caplog.messages == []
    path.chmod(0o644)
    Account.load(path)
    assert "chmod 600" in caplog.text


def test_the_library_alone_needs_neither_aiohttp_nor_the_agent():
    code = (
        "import sys, host_agent.guardiankey\n"
        "from host_agent.guardiankey import *\n"
        "heavy = {'aiohttp', 'msgspec', 'rich', 'cyclopts', 'starlette'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "host_agent.guardiankey.AsyncGuardianKey\n"
        "assert 'aiohttp' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
