import logging
import os
import tomllib
from pathlib import Path

import msgspec
import pytest

from host_agent.cli.templates import AGENT_TOML
from host_agent.config import ConfigError, Settings, load_settings

GOOD = """
[securithings]
api_key = "key"
api_secret = "a secret thing"
"""


@pytest.fixture
def load(tmp_path: Path):
    """Settings of an agent.toml with this text."""

    def load(text: str, **environment: str) -> Settings:
        path = tmp_path / "agent.toml"
        path.write_text(text)
        path.chmod(0o600)
        return load_settings(path, environment)

    return load


def test_everything_has_a_default_but_the_credentials(load, tmp_path: Path) -> None:
    settings = load("")
    assert settings.link.address == ("0.0.0.0", 8710)
    assert settings.console.address == ("127.0.0.1", 8711)
    assert settings.store.path == str(tmp_path / "thingwarden.db")
    with pytest.raises(ConfigError, match="THINGWARDEN_API_KEY"):
        settings.securithings.endpoint()


def test_the_credentials_come_from_the_file(load) -> None:
    endpoint = load(GOOD).securithings.endpoint()
    assert (endpoint.api_key, endpoint.api_secret) == ("key", "a secret thing")


def test_the_environment_wins(load) -> None:
    settings = load(GOOD, THINGWARDEN_API_KEY="other", THINGWARDEN_API_SECRET="")
    endpoint = settings.securithings.endpoint()
    assert (endpoint.api_key, endpoint.api_secret) == ("other", "a secret thing")


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:8710", ("::1", 8710)),
        ("agent.local:65535", ("agent.local", 65535)),
    ],
)
def test_where_to_listen(load, listen: str, address: tuple[str, int]) -> None:
    assert load(f'[link]\nlisten = "{listen}"').link.address == address


def test_serial_ports_are_paths_patterns_and_servers(load) -> None:
    ports = ["/dev/ttyUSB0", "/dev/serial/by-id/*", "socket://10.0.0.7:4000", "socket://[::1]:1"]
    assert load(f"[serial]\nports = {ports}").serial.ports == ports


def test_an_absolute_store_path_stays(load) -> None:
    assert load('[store]\npath = "/var/lib/warden.db"').store.path == "/var/lib/warden.db"


@pytest.mark.parametrize(
    "url",
    ["https://example.com/api", "http://127.0.0.1:8720/x", "http://localhost/", "http://[::1]/"],
)
def test_events_go_over_tls_or_stay_on_this_machine(load, url: str) -> None:
    assert load(f'[securithings]\nurl = "{url}"').securithings.url == url


BAD = [
    ("securithings", "api_key", "5"),
    ("securithings", "api_key", '"a:b"'),
    ("securithings", "api_secret", "5"),
    ("securithings", "url", "5"),
    ("securithings", "url", '"http://example.com/"'),
    ("securithings", "url", '"https://user:password@example.com/"'),
    ("securithings", "url", '"ftp://example.com/"'),
    ("securithings", "url", '"https://[::1/"'),
    ("securithings", "url", '""'),
    ("link", "listen", "8710"),
    ("link", "listen", '"8710"'),
    ("link", "listen", '":8710"'),
    ("link", "listen", '"::1:8710"'),
    ("link", "listen", '"host:port"'),
    ("link", "listen", '"host:65536"'),
    ("serial", "ports", '"/dev/ttyUSB0"'),
    ("serial", "ports", "[1]"),
    ("serial", "ports", '[""]'),
    ("serial", "ports", '["ttyUSB0"]'),
    ("serial", "ports", '["COM3"]'),
    ("serial", "ports", '["/dev/\\u0000"]'),
    ("serial", "ports", '["socket://host"]'),
    ("serial", "ports", '["socket://host:99999"]'),
    ("serial", "ports", '["socket://host:1/?logging=debug"]'),
    ("serial", "ports", '["loop://"]'),
    ("serial", "ports", str([f"/dev/{number}" for number in range(33)])),
    ("console", "listen", "true"),
    ("console", "listen", '"127.0.0.1"'),
    ("console", "trusted_proxies", '["proxy.example"]'),
    ("app", "listen", '"127.0.0.1"'),
    ("app", "trusted_proxies", '"10.0.0.1"'),
    ("app", "trusted_proxies", "[1]"),
    ("app", "trusted_proxies", '["proxy.example"]'),
    ("app", "trusted_proxies", '["10.0.0.0/33"]'),
    ("store", "path", '""'),
    ("store", "path", "1"),
    ("store", "path", '"/"'),
    ("store", "path", '"a\\u0000"'),
    ("store", "max_events", "0"),
    ("store", "max_events", '"many"'),
    ("store", "max_events", "1.5"),
    ("store", "max_bytes", "1000"),
    ("store", "max_bytes", "[]"),
    ("delivery", "concurrency", "0"),
    ("delivery", "concurrency", "true"),
    ("delivery", "timeout_s", "0"),
    ("delivery", "timeout_s", "nan"),
    ("delivery", "timeout_s", "inf"),
    ("delivery", "retry_base_s", "0"),
    ("delivery", "retry_cap_s", '"5 min"'),
    ("delivery", "give_up_after_s", "-1"),
    ("delivery", "probe_s", "0"),
    ("delivery", "keep_days", "-1"),
    ("delivery", "keep_dead_days", "-1"),
    ("guardiankey", "keep_days", "0"),
    ("guardiankey", "api", "5"),
    ("guardiankey", "api", '""'),
    ("guardiankey", "api", '"http://example.com"'),
    ("guardiankey", "api", '"https://example.com/?a=b"'),
    ("guardiankey", "api", '"https://example.com/#a"'),
    ("guardiankey", "ca", "true"),
    ("guardiankey", "ca", '"/"'),
    ("guardiankey", "account", "1"),
    ("guardiankey", "account", '"a\\u0000"'),
    ("guardiankey", "webhook", "8712"),
    ("guardiankey", "webhook", '"8712"'),
    ("guardiankey", "webhook", '"127.0.0.1:8712"'),  # without account
    ("guardiankey", "lockdown_on", '"BLOCK"'),
    ("guardiankey", "lockdown_on", "[1]"),
    ("guardiankey", "lockdown_on", '["ACCEPT"]'),
    ("guardiankey", "lockdown_on", '["block"]'),
    ("guardiankey", "lockdown_on", '["BLOCK"]'),  # without lockdown_devices
    ("guardiankey", "lockdown_on", '["BLOCK"]\nlockdown_devices = ["*"]'),  # without webhook
    ("guardiankey", "lockdown_devices", "[true]"),
    ("guardiankey", "lockdown_devices", '["no spaces"]'),
    ("guardiankey", "lockdown_devices", '["*", "door"]'),
    ("guardiankey", "lockdown_devices", '["door"]'),  # without lockdown_on
    ("log", "level", '"loud"'),
    ("log", "level", "3"),
]


@pytest.mark.parametrize(("table", "field", "value"), BAD)
def test_a_bad_value_is_named_with_its_place(load, table: str, field: str, value: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(f"[{table}]\n{field} = {value}")
    assert f"agent.toml: [{table}] {field}: " in str(error.value)


def test_every_setting_has_a_test_with_a_bad_value() -> None:
    tested = {(table, field) for table, field, _ in BAD}
    assert tested == {(table, field) for table, fields in defaults().items() for field in fields}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[link]\nlisten_on = 1", "[link] listen_on: unknown field; did you mean listen?"),
        ("[link]\nzzz = 1", "[link] zzz: unknown field; known are listen"),
        ("[deliveries]", "unknown table [deliveries]; did you mean delivery?"),
        ("[zzz]", "unknown table [zzz]; known are securithings, link"),
        ("link = 5", "link must be a table"),
        ("[link", "is not TOML"),
        ("[link]\nlisten = " + "[" * 50_000, "is not TOML"),
        ("[link]\nlisten = " + "9" * 5_000, "is not TOML"),
        ("[log]\nlevel = 'trace'", "for example level ="),
        ("[guardiankey]\nlockdown_on = 'x'", 'for example lockdown_on = ["..."]'),
    ],
)
def test_a_mistake_in_the_file_comes_with_advice(load, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(text)
    assert message in str(error.value)


def test_a_missing_file_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="thingwarden init"):
        load_settings(tmp_path / "agent.toml")


def test_a_directory_or_binary_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path)
    with pytest.raises(ConfigError, match="not a regular file"):
        load_settings(Path(os.devnull))
    (tmp_path / "agent.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings(tmp_path / "agent.toml")


@pytest.mark.parametrize(
    "line", ['api_secret = "a secret thing', "api_secret = ['a secret thing']"]
)
def test_no_mistake_shows_the_secret(load, line: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(f"[securithings]\n{line}")
    assert "secret thing" not in str(error.value)


def test_settings_show_no_secret(load) -> None:
    shown = repr(load(GOOD)) + repr(load(GOOD).securithings.endpoint())
    assert "secret thing" not in shown
    assert "'key'" not in shown


def test_a_secret_that_others_can_read_is_told(
    load, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load(GOOD)
    assert not caplog.records
    (tmp_path / "agent.toml").chmod(0o640)
    with caplog.at_level(logging.WARNING):
        load_settings(tmp_path / "agent.toml", {})
    assert "chmod 600" in caplog.text


def test_the_template_holds_every_setting_with_its_default() -> None:
    """A setting that is missing from what `init` writes, or has another value there, fails here."""
    lines = [line.removeprefix("# ") if " = " in line else line for line in AGENT_TOML.splitlines()]
    assert tomllib.loads("\n".join(lines[2:])) == defaults()


def test_the_template_as_written_changes_no_default(load) -> None:
    assert load(AGENT_TOML) == load("")


def defaults() -> dict[str, dict[str, object]]:
    return msgspec.to_builtins(Settings())
