import binascii

import warden.session
from support import Talk
from warden.access_list import AccessList
from warden.access_sync import AccessSync

SALT = "AAECAwQFBgcICQoLDA0ODw=="
DIGEST = str(binascii.b2a_base64(bytes(16))[:-1], "ascii")


def change(**fields):
    whole = {"list": "00c0ffee", "salt": SALT, "iterations": 1, "from": 0, "rev": 1}
    whole.update({"lockdown": False, "set": [], "unset": [], "more": False})
    whole.update(fields)
    return whole


def test_every_report_but_the_first_tells_which_list_the_board_has():
    talk = Talk(extras=(AccessSync(AccessList()),))
    talk.sent()
    assert "access" not in talk.agent.report()
    talk.agent.answer(ack=[0, 0])
    talk.sent(6000)
    assert talk.agent.report()["access"] == ["", 0]


def test_a_change_is_taken_and_told_at_once():
    access = AccessList()
    talk = Talk(extras=(AccessSync(access),))
    talk.sent()
    rows = [["alice", "code", "alice@example.com", DIGEST]]
    talk.agent.answer(ack=[0, 0], access=change(set=rows, more=True))
    assert talk.sent(10) == 1
    assert talk.agent.report()["access"] == ["00c0ffee", 1]
    talk.agent.answer(ack=[0, 0], access=change(**{"from": 1, "rev": 2, "lockdown": True}))
    assert talk.sent(10) == 1
    assert talk.agent.report()["access"] == ["00c0ffee", 2]
    talk.agent.answer(ack=[0, 0])
    assert talk.sent(4000) == 0
    assert access.lookup(bytes(16)) == ("alice", "alice@example.com")
    assert access.lockdown


def test_nonsense_changes_nothing_and_is_told():
    access = AccessList()
    talk = Talk(extras=(AccessSync(access),))
    talk.greet()
    lines = []
    warden.session.print = lambda *words: lines.append(" ".join([str(word) for word in words]))
    wrong = (
        5,
        [],
        {},
        change(salt="?"),
        change(set=[["alice"]]),
        change(more=None),
        change(rev=-1),
    )
    for content in wrong:
        talk.sent(6000)
        before = len(lines)
        talk.agent.answer(ack=[0, 0], access=content)
        talk.session.tick()
        assert access.state == ("", 0) and len(access) == 0, content
        assert len(lines) == before + 1 and "access: " in lines[-1], lines
    assert talk.sent(6000) == 1, "and the talk goes on"
