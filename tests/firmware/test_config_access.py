from support import raises
from warden import VERSION
from warden.config import checked
from warden.settings import ConfigError

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
IV = "AAECAwQFBgcICQoLDA0ODw=="
ACCOUNT = {
    "agent_id": "agent",
    "organization_id": "organization",
    "auth_group_id": "group",
    "key": KEY,
    "iv": IV,
}
KEYPAD = {"rows": [13, 16, 17, 18], "columns": [19, 21, 22]}
ACCESS = {"keypad": KEYPAD, "lock": {"pin": 23}}
BUTTON = {"kind": "button", "name": "button", "pin": 14}


def settings(account=ACCOUNT, access=ACCESS, **changes):
    whole = {"device": "front-door", "key": KEY, "agent": "http://192.168.1.10:8710"}
    if account is not None:
        whole["guardiankey"] = account
    if access is not None:
        whole["access"] = access
    whole.update(changes)
    return whole


def account(**changes):
    return settings(account=dict(ACCOUNT, **changes))


def access(**changes):
    return settings(access=dict(ACCESS, **changes))


def keypad(**changes):
    return access(keypad=dict(KEYPAD, **changes))


def lock(**changes):
    return access(lock=dict({"pin": 23}, **changes))


def test_a_board_without_a_door_has_neither_section():
    config = checked(settings(None, None))
    assert config.guardiankey is None and config.access is None


def test_an_account_comes_with_every_default_filled_in():
    account = checked(settings()).guardiankey
    assert account.route == "relay"
    assert (account.agent_id, account.organization_id) == ("agent", "organization")
    assert account.auth_group_id == "group"
    assert account.key == bytes(range(32)) and account.iv == bytes(range(16))
    assert account.service == "front-door"
    assert account.client_ip is None and account.client_reverse == ""
    assert account.user_agent == "ThingWarden/%s (front-door)" % VERSION
    assert account.api == "https://api.guardiankey.io"
    assert account.ca == "ca.der"
    assert account.collector == "collector.guardiankey.net:8888"


def test_an_access_point_comes_with_every_default_filled_in():
    access = checked(settings()).access
    assert access["name"] == "front-door keypad"
    assert access["keypad"] == {
        "rows": [13, 16, 17, 18],
        "columns": [19, 21, 22],
        "keys": "123456789*0#",
        "enter": "#",
        "clear": "*",
    }
    assert access["wiegand"] is None
    assert access["lock"] == {"pin": 23, "active": "high", "open_ms": 3000}
    assert (access["no_verdict"], access["hard_notify"]) == ("closed", "closed")
    assert (access["lockout_after"], access["lockout_s"]) == (5, 60)


def test_a_keypad_with_four_columns_and_a_badge_reader():
    wide = checked(keypad(columns=[19, 21, 22, 25])).access["keypad"]
    assert wide["keys"] == "123A456B789C*0#D"
    own = checked(keypad(keys="1472580369*#", enter="*", clear="#")).access["keypad"]
    assert (own["keys"], own["enter"], own["clear"]) == ("1472580369*#", "*", "#")
    reader = checked(access(keypad=None, wiegand={"d0": 34, "d1": 35})).access
    assert reader["wiegand"] == {"d0": 34, "d1": 35} and reader["keypad"] is None


def test_without_verdicts_the_rule_must_be_said():
    for whole in (settings(account=None), account(route="udp")):
        with raises(ConfigError, "access.no_verdict: say closed or open"):
            checked(whole)
        whole["access"] = dict(ACCESS, no_verdict="open")
        assert checked(whole).access["no_verdict"] == "open"


def test_without_tls_only_this_very_machine_is_trusted():
    for api in ("http://127.0.0.1:80/x/", "http://localhost", "https://api.guardiankey.io/v2"):
        assert checked(account(route="rest", api=api)).guardiankey.api == api.rstrip("/")
    for api in (
        "http://127.0.0.1.example.test",
        "http://localhost.example.test/",
        "http://192.168.1.7:80",
        "127.0.0.1",
    ):
        with raises(ConfigError, "guardiankey.api"):
            checked(account(route="rest", api=api))


def test_an_account_leaves_room_for_the_longest_user_where_a_frame_carries_it():
    ids = dict.fromkeys(("agent_id", "organization_id", "service"), "李" * 64)
    longest = account(auth_group_id="李" * 64, client_ip="192.168.100.100", **ids)
    assert checked(longest).guardiankey.service == "李" * 64
    longer = account(auth_group_id="😀" * 64, **ids)
    with raises(ConfigError, "service, client_ip have 832 bytes of UTF-8 together; at most 790"):
        checked(longer)
    longer["guardiankey"]["route"] = "rest"
    assert checked(longer).guardiankey.auth_group_id == "😀" * 64


def test_every_wrong_field_is_named():
    wrong = (
        ("guardiankey", settings(account=[])),
        ("guardiankey: unknown field agentid", account(agentid="x")),
        ("guardiankey.route", account(route="mail")),
        ("guardiankey.agent_id", account(agent_id=None)),
        ("guardiankey.agent_id", account(agent_id="")),
        ("guardiankey.organization_id", account(organization_id=5)),
        ("guardiankey.auth_group_id", account(auth_group_id="a" * 65)),
        ("guardiankey.auth_group_id", account(auth_group_id="a\nb")),
        ("guardiankey.auth_group_id", account(auth_group_id="a|b")),
        ("guardiankey.key: 32 bytes in base64", account(key=None)),
        ("guardiankey.key: 32 bytes in base64", account(key=IV)),
        ("guardiankey.key: 32 bytes in base64", account(key=KEY + "\n")),
        ("guardiankey.iv: 16 bytes in base64", account(iv=KEY)),
        ("guardiankey.iv: 16 bytes in base64", account(iv="AAECAwQFBgcICQoLDA0ODx==")),
        ("guardiankey.iv: 16 bytes in base64", account(iv=[])),
        ("guardiankey.service", account(service="")),
        ("guardiankey.client_ip", account(client_ip=5)),
        ("guardiankey.client_reverse", account(client_reverse=None)),
        ("guardiankey.user_agent", account(user_agent="x" * 1001)),
        ("guardiankey.api", account(api="http://api.guardiankey.io")),
        ("guardiankey.api", account(api="https://")),
        ("guardiankey.api", account(api="ftp://127.0.0.1")),
        ("guardiankey.api", account(api="https://user@host")),
        ("guardiankey.api", account(api="https://host/a?b")),
        ("guardiankey.api", account(api="https://host:0")),
        ("guardiankey.ca", account(ca="")),
        ("guardiankey.collector", account(collector="collector.guardiankey.net")),
        ("guardiankey.collector", account(collector="host:port")),
        ("access", settings(access=[])),
        ("access: unknown field lok", access(lok={})),
        ("access.name", access(name="")),
        ("access.name", access(name="\x07")),
        ("access: one of keypad and wiegand", access(keypad=None)),
        ("access: one of keypad and wiegand", access(wiegand={"d0": 34, "d1": 35})),
        ("access.no_verdict", access(no_verdict="ajar")),
        ("access.hard_notify", access(hard_notify=True)),
        ("access.lockout_after", access(lockout_after=0)),
        ("access.lockout_s", access(lockout_s="60")),
        ("access.lock: an object", access(lock=None)),
        ("access.lock: unknown field open_s", lock(open_s=3)),
        ("access.lock.pin: a whole number", lock(pin=None)),
        ("access.lock.pin: pins 6 to 11", lock(pin=6)),
        ("access.lock.pin: pins 1 and 3", lock(pin=3)),
        ("access.lock.pin: pins 34 to 39", lock(pin=34)),
        ("access.lock.pin: pin 12 moves", lock(pin=12)),
        ("access.lock.active", lock(active="up")),
        ("access.lock.open_ms", lock(open_ms=0)),
        ("access.keypad: an object", access(keypad=5)),
        ("access.keypad: unknown field cols", keypad(cols=[])),
        ("access.keypad.rows", keypad(rows=[13, 16, 17])),
        ("access.keypad.rows: pins 34 to 39", keypad(rows=[13, 16, 17, 34])),
        ("access.keypad.rows: a whole number", keypad(rows=[13, 16, 17, "18"])),
        ("access.keypad.columns", keypad(columns=[19, 21])),
        ("access.keypad.columns: pins 34 to 39", keypad(columns=[19, 21, 36])),
        ("access.keypad.columns: pins 6 to 11", keypad(columns=[19, 21, 7])),
        ("access.keypad.keys", keypad(keys="123")),
        ("access.keypad.keys", keypad(keys="1234567890##")),
        ("access.keypad.enter", keypad(enter="1")),
        ("access.keypad.enter", keypad(enter="")),
        ("access.keypad.clear", keypad(clear="#")),
        ("access.wiegand: unknown field d2", access(keypad=None, wiegand={"d2": 1})),
        ("access.wiegand.d1", access(keypad=None, wiegand={"d0": 34})),
        ("access.wiegand.d0: pins 1 and 3", access(keypad=None, wiegand={"d0": 3, "d1": 4})),
        ("access.wiegand.d1: pin 4 is in use", access(keypad=None, wiegand={"d0": 4, "d1": 4})),
        ("access.keypad.rows: pin 13 is in use", keypad(rows=[13, 13, 17, 18])),
        ("access.keypad.columns: pin 18 is in use", keypad(columns=[19, 21, 18])),
        ("access.keypad.rows: pin 23 is in use", keypad(rows=[13, 16, 17, 23])),
        (
            "access.keypad.rows: pin 14 is in use",
            dict(keypad(rows=[14, 16, 17, 18]), inputs=[BUTTON]),
        ),
        ("access.lock.pin: pin 33 is in use", dict(lock(pin=33), inputs=[dict(BUTTON, pin=33)])),
    )
    for named, value in wrong:
        with raises(ConfigError, named):
            checked(value)


def test_a_message_never_holds_a_secret():
    for changes in (
        {"key": "c2VjcmV0" * 3},
        {"iv": "c2VjcmV0" * 3},
        {"key": "secret" * 20},
        {"iv": ["secret"]},
    ):
        try:
            checked(account(**changes))
        except ConfigError as error:
            assert "secret" not in str(error) and "c2VjcmV0" not in str(error)
        else:
            raise AssertionError("it was taken")
