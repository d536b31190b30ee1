"""An app's file, and the Agent in it."""

import importlib.util
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from host_agent.app.agent import Agent
from host_agent.app.errors import AppError

LOGGERS = "app"
"""An app's module is `app.<name of its file>`: its `logging.getLogger(__name__)` is below this."""


def load_app(path: Path) -> Agent:
    """Run the file as a module; its Agent. Modules beside it can be imported, unless Python finds
    another of that name first. Raises AppError, which names the file, and the line if there is one.
    """
    if not path.is_file():
        problem = "is no file" if path.exists() else "is not there"
        raise AppError(f"the app {path} {problem}")
    path = path.resolve()
    agents = _agents(_run(path))
    if not agents:
        raise AppError(f"{path}: has no Agent; write `agent = Agent()`")
    if len(agents) > 1:
        names = ", ".join(sorted(agents.values()))
        raise AppError(f"{path}: has several Agents ({names}), and one is enough")
    (agent,) = agents
    return agent


def _run(path: Path) -> ModuleType:
    name = f"{LOGGERS}.{path.stem}"
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None  # noqa: S101  it is for packages only that there may be none
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.append(str(path.parent))
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        place = f"{error.filename or path}:{error.lineno or 1}"
        raise AppError(f"{place}: {type(error).__name__}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise AppError(f"{_place(error, path)}: {type(error).__name__}: {error}") from error
    return module


def _agents(module: ModuleType) -> dict[Agent, str]:
    """The agents in a module, each with its first name."""
    agents: dict[Agent, str] = {}
    for name, value in vars(module).items():
        if isinstance(value, Agent):
            agents.setdefault(value, name)
    return agents


def _place(error: BaseException, path: Path) -> str:
    """`FILE:LINE` of the app that the error went through last."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    return f"{path}:{lines[-1]}" if lines else str(path)
