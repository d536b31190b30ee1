"""`thingwarden run`"""

import gc
import logging
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from host_agent.cli.output import DEFAULT_CONFIG, ConfigPath, UsageError
from host_agent.config import load_settings

_COLLECT_AFTER = 10_000
"""New objects between two looks for garbage cycles, which frames and events do not make: Python's
own 700 costs a sixth of the frames per second."""


def run(
    *,
    app: Annotated[
        Path | None, Parameter(help="A Python file with handlers of events and requests.")
    ] = None,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Run the agent until Ctrl-C or SIGTERM.

    It takes the reports of the devices, keeps them on disk, and sends them to SecuriThings. It
    tells on stderr where it listens; how it fares is at /readyz and /metrics of the console.

    Example: thingwarden run --app host_agent/examples/hvac.py
    """
    # The agent takes a second to import, which no other command is to wait for.
    from host_agent.agent import run_agent
    from host_agent.app import AppError
    from host_agent.app.loading import LOGGERS, load_app

    gc.set_threshold(_COLLECT_AFTER)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    settings = load_settings(config)
    for logger in ("host_agent", LOGGERS):
        logging.getLogger(logger).setLevel(settings.log.level.upper())
    try:
        handlers = None if app is None else load_app(app)
    except AppError as error:
        raise UsageError(str(error)) from error
    run_agent(settings, handlers)
