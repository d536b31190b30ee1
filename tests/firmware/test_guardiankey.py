import binascii
import json

from support import Nvs, raises
from warden import cfb8
from warden.counters import CountersError
from warden.guardiankey import GuardianKey, Sequence

FIELDS = {
    "generatedTime": 1700000000,
    "agentId": "agent-1",
    "organizationId": "organization-1",
    "authGroupId": "group-1",
    "service": "front-door",
    "clientIP": "192.0.2.7",
    "clientReverse": "",
    "userName": "ana",
    "authMethod": "code",
    "loginFailed": "0",
    "userAgent": "ThingWarden/1 (front-door)",
    "psychometricTyped": "",
    "psychometricImage": "",
    "event_type": "Authentication",
    "userEmail": "ana@example.test",
    "sequential": 5,
}


class Settings:
    """A board's settings of GuardianKey, changed by name."""

    def __init__(self, **changed):
        self.agent_id = "agent-1"
        self.organization_id = "organization-1"
        self.auth_group_id = "group-1"
        self.key = bytes(range(32))
        self.iv = bytes(range(16))
        self.service = "front-door"
        self.client_reverse = ""
        self.user_agent = "ThingWarden/1 (front-door)"
        for name in changed:
            setattr(self, name, changed[name])


def event(guardiankey, user_name="ana", **changed):
    arguments = {
        "generated_time": 1700000000,
        "failed": False,
        "sequential": 5,
        "client_ip": "192.0.2.7",
    }
    arguments.update(changed)
    return guardiankey.event(user_name=user_name, **arguments)


def test_an_event_has_every_field_of_the_document():
    made = GuardianKey(Settings()).event(
        1700000000, "ana", False, 5, "192.0.2.7", "ana@example.test", "code"
    )
    assert json.loads(made) == FIELDS


def test_a_failed_login_is_the_text_one():
    guardiankey = GuardianKey(Settings())
    assert json.loads(event(guardiankey, failed=True))["loginFailed"] == "1"
    assert json.loads(event(guardiankey, failed=False))["loginFailed"] == "0"


def test_the_time_is_a_whole_number_of_seconds():
    guardiankey = GuardianKey(Settings())
    assert b'"generatedTime":1700000000,' in event(guardiankey)
    for wrong in (1700000000.5, 1700000000000, -1):
        with raises(ValueError, "generated_time"):
            event(guardiankey, generated_time=wrong)


def test_text_is_utf_8_as_it_is_and_control_characters_are_escaped():
    made = event(GuardianKey(Settings(service="Zażółć\n\x01")), "José Ñandú 李雷😀")
    assert '"userName":"José Ñandú 李雷😀"'.encode() in made
    assert '"service":"Zażółć\\n\\u0001"'.encode() in made


def test_a_character_that_json_left_as_two_surrogates_is_made_whole():
    for escaped, whole in (
        ('"\\ud83d\\ude00"', "😀"),
        ('"a\\ud83d\\ude00\\ud83d\\ude01b"', "a😀😁b"),
        ('"\\ud83d"', "\ufffd"),
        ('"\\ude00x"', "\ufffdx"),
        ('"\\ud83d\\ud83d\\ude00"', "\ufffd😀"),
    ):
        made = event(GuardianKey(Settings()), json.loads(escaped))
        assert ('"userName":"%s"' % whole).encode() in made, escaped


def test_the_user_agent_is_cut_at_500_characters_and_never_inside_one():
    for character in ("x", "é", "李", "😀"):
        guardiankey = GuardianKey(Settings(user_agent=character * 600))
        assert json.loads(event(guardiankey))["userAgent"] == character * 500
    mixed = GuardianKey(Settings(user_agent="x" * 499 + "éé"))
    assert json.loads(event(mixed))["userAgent"] == "x" * 499 + "é"


def test_an_event_with_a_bound_loses_of_its_user_agent_what_is_too_much():
    for character in ("x", "é", "李", "😀", '"'):
        guardiankey = GuardianKey(Settings(user_agent=character * 500))
        whole = len(event(guardiankey))
        for longest in range(whole - 9, whole + 2):
            made = event(guardiankey, longest=longest)
            assert longest - 10 < len(made) <= longest, "a quotation mark takes two bytes"
            left = json.loads(made)["userAgent"]
            assert left == character * len(left) and json.loads(made)["userName"] == "ana"


def test_a_bound_costs_the_reverse_name_only_when_the_user_agent_is_gone():
    guardiankey = GuardianKey(Settings(user_agent="李" * 100, client_reverse="é" * 100))
    bare = len(event(GuardianKey(Settings(user_agent=""))))
    for room, user_agent, reverse in ((203, 1, 100), (202, 0, 100), (199, 0, 99), (0, 0, 0)):
        made = json.loads(event(guardiankey, longest=bare + room))
        assert made["userAgent"] == "李" * user_agent, room
        assert made["clientReverse"] == "é" * reverse, room
    with raises(ValueError, "an event of more than"):
        event(guardiankey, longest=bare - 1)


def test_a_bound_of_a_message_is_that_of_its_base64():
    guardiankey = GuardianKey(Settings(user_agent="李" * 500))
    for longest in range(1000, 1010):
        message = guardiankey.message(1700000000, "ana", False, 5, "192.0.2.7", longest=longest)
        assert longest - 8 < len(message) <= longest


def test_a_wrong_key_or_iv_is_refused_at_once():
    with raises(ValueError, "key must have 32 bytes"):
        GuardianKey(Settings(key=bytes(16)))
    with raises(ValueError, "iv must have 16 bytes"):
        GuardianKey(Settings(iv=bytes(12)))


def test_a_message_is_the_event_encrypted_as_base64_in_one_line():
    settings = Settings(user_agent="x" * 500)
    guardiankey = GuardianKey(settings)
    arguments = (1700000000, "ana", True, 5, "192.0.2.7", "ana@example.test")
    message = guardiankey.message(*arguments)
    assert b"\n" not in message
    ciphertext = binascii.a2b_base64(message)
    assert binascii.b2a_base64(ciphertext).strip() == message
    plain = cfb8.decrypt(settings.key, settings.iv, ciphertext)
    assert plain == guardiankey.event(*arguments)


def test_attempts_are_numbered_from_one_over_any_number_of_starts():
    nvs = Nvs()
    given = []
    for _ in range(4):
        sequence = Sequence(nvs)
        given += [sequence.next() for _ in range(3)]
    assert given == list(range(1, 13))


def test_a_number_is_durable_before_it_is_given():
    nvs = Nvs()
    for _ in range(5):
        number = Sequence(nvs).next()
        assert int.from_bytes(nvs.kept["sequential"], "little") == number


def test_no_number_is_given_that_could_not_be_kept():
    nvs = Nvs()
    sequence = Sequence(nvs)
    assert sequence.next() == 1
    nvs.broken = True
    with raises(CountersError, "cannot keep"):
        sequence.next()
    with raises(CountersError, "cannot read"):
        Sequence(nvs).next()
    nvs.broken = False
    assert sequence.next() == 2
    assert Sequence(nvs).next() == 3


def test_numbers_go_on_far_beyond_32_bits():
    nvs = Nvs()
    nvs.kept["sequential"] = ((1 << 40) - 1).to_bytes(8, "little")
    assert Sequence(nvs).next() == 1 << 40
    assert Sequence(nvs).next() == (1 << 40) + 1


def test_the_numbers_have_a_namespace_of_their_own():
    assert Sequence().next() == 1
    with open("nvs-guardiankey.json") as file:
        assert "sequential" in file.read()
