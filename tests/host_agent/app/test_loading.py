"""An app's file is loaded, or it is told what is wrong with it and where."""

import logging
from pathlib import Path

import pytest

from host_agent.app import Agent, AppError
from host_agent.app.loading import load_app

GOOD = "from host_agent.app import Agent\nagent = Agent()\n"


@pytest.fixture
def load(tmp_path: Path):
    def load(text: str, name: str = "shop.py") -> Agent:
        (tmp_path / name).write_text(text)
        return load_app(tmp_path / name)

    return load


def test_its_agent_is_found_by_whatever_name(load):
    assert isinstance(load(GOOD.replace("agent =", "mine = also_mine =")), Agent)


@pytest.mark.parametrize("name", ["json.py", "app", "two words.txt"])
def test_a_file_may_have_any_name(load, name):
    import json

    load(GOOD, name)
    assert json.loads("1") == 1


def test_modules_beside_it_can_be_imported(load, tmp_path: Path):
    (tmp_path / "thing_beside_it.py").write_text("NAME = 'hvac'\n")
    agent = load(GOOD + "from thing_beside_it import NAME\nagent.on(NAME, print)\n")
    assert agent.event_handlers == [("hvac", print)]


def test_its_logger_is_the_agents(load, caplog):
    logging.getLogger("app").setLevel("INFO")
    load(GOOD + "import logging\nlogging.getLogger(__name__).info('hello')\n")
    assert [(record.name, record.message) for record in caplog.records] == [("app.shop", "hello")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (\n", ":1: SyntaxError: '(' was never closed"),
        ("x = 1\n  y = 2\n", ":2: IndentationError: unexpected indent"),
        ("x = 'é'\n".encode("latin-1").decode("utf-8", "surrogateescape"), "SyntaxError"),
        ("import nothing_of_that_name\n", ":1: ModuleNotFoundError: No module named 'nothing"),
        (GOOD + "agent.on('x', 3)\n", ":3: AppError: a handler must be a function, not a int"),
        (GOOD + "agent.send('hvac', 'power')\n", r":3: AppError: agent.send() works only while"),
        (GOOD + "import sys\nsys.exit(3)\n", ":4: SystemExit: 3"),
        (GOOD + "def f():\n    raise ValueError('no')\n\nf()\n", ":4: ValueError: no"),
        ("", ": has no Agent; write `agent = Agent()`"),
        (GOOD + "other = Agent()\n", ": has several Agents (agent, other), and one is enough"),
    ],
    ids=[
        *("bracket", "indent", "latin-1", "import", "handler", "too early", "exit", "deep"),
        *("none", "two"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(tmp_path: Path, text, said):
    file = tmp_path / "shop.py"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(AppError) as told:
        load_app(file)
    assert str(told.value).startswith(str(file)) and said in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(AppError, match=r"no\.py is not there"):
        load_app(tmp_path / "no.py")
    with pytest.raises(AppError, match="is no file"):
        load_app(tmp_path)
