"""The agent with an app, as its service manager and its owner see it."""

import http.client
import re
from pathlib import Path

import pytest

from host_agent.store import Store

APP = """
import asyncio
from host_agent.app import Agent

agent = Agent()

@agent.on_request
async def answer(request):
    await asyncio.sleep(0.5)
    event = agent.create_external_event("asked", request, "door")
    return await agent.send_event(event)

@agent.on("buttonState")
async def pressed(event):
    await asyncio.sleep(0.5)
    await agent.send(event.device, "power", event.id)
"""


@pytest.fixture
def launch_app(tmp_path: Path, configure, launch):
    """The agent with the app of this text, not started yet."""

    def launch_app(text: str):
        (tmp_path / "app.py").write_text(text)
        configure(app={"listen": "127.0.0.1:0"})
        return launch("--app", str(tmp_path / "app.py"))

    return launch_app


def app_address(agent) -> str:
    (address,) = re.findall(r" app on http://(\S+)", agent.output())
    return address


def test_sigterm_lets_handlers_finish(board, launch_app, tmp_path, press) -> None:
    agent = launch_app(APP).started()
    connection = http.client.HTTPConnection(app_address(agent), timeout=60)
    connection.request("GET", "/")
    assert board.report(agent.link, press(1, 1)) == {"ack": [1, 1]}
    agent.send(15)
    response = connection.getresponse()
    assert (response.status, response.read()[:7]) == (200, b"door:x:")
    connection.close()
    assert agent.wait() == 0
    with Store.open(tmp_path / "thingwarden.db") as store:
        assert [command.args for command in store.commands.list()] == ["door:1:1"]
        assert len(store.events()) == 2


OBSTINATE = """
import asyncio, time
from host_agent.app import Agent

agent = Agent()
kept = set()

async def ignore_the_end():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

@agent.on_request
async def answer(request):
    work = ignore_the_end() if request.path == "/task" else asyncio.to_thread(time.sleep, 3600)
    kept.add(asyncio.create_task(work))
    await asyncio.sleep(0)
"""


@pytest.mark.parametrize("what", ["task", "thread"])
def test_what_an_app_leaves_running_does_not_keep_the_agent(launch_app, what: str) -> None:
    agent = launch_app(OBSTINATE).started()
    connection = http.client.HTTPConnection(app_address(agent), timeout=60)
    connection.request("GET", f"/{what}")
    assert connection.getresponse().status == 204
    connection.close()
    agent.send(15)
    assert agent.wait() == 0
    assert "the app still runs something" in agent.output()


def test_without_a_handler_of_requests_it_does_not_listen(launch_app) -> None:
    agent = launch_app("from host_agent.app import Agent\nagent = Agent()\n").started()
    assert " app on " not in agent.output()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agent = Agent()\n", "app.py:1: NameError: name 'Agent' is not defined"),
        ("x = (\n", "app.py:1: SyntaxError"),
        ("", "app.py: has no Agent"),
    ],
    ids=["error", "syntax", "none"],
)
def test_an_app_that_cannot_be_loaded_is_told(launch_app, text: str, said: str) -> None:
    agent = launch_app(text)
    assert agent.refused() == 2
    assert said in agent.output()
    assert "Traceback" not in agent.output()


def test_an_app_that_is_not_there_is_told(launch) -> None:
    agent = launch("--app", "nowhere.py")
    assert agent.refused() == 2
    assert "thingwarden: the app nowhere.py is not there" in agent.output()
