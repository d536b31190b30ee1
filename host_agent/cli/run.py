"""`thingwarden run`"""

import gc
import logging

from host_agent.agent import run_agent
from host_agent.cli.output import DEFAULT_CONFIG, ConfigPath
from host_agent.config import load_settings

_COLLECT_AFTER = 10_000
"""New objects between two looks for garbage cycles, which frames and events do not make: Python's
own 700 costs a sixth of the frames per second."""


def run(*, config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Run the agent until Ctrl-C or SIGTERM.

    It takes the reports of the devices, keeps them on disk, and sends them to SecuriThings. It
    tells on stderr where it listens; how it fares is at /readyz and /metrics of the console.
    """
    gc.set_threshold(_COLLECT_AFTER)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    settings = load_settings(config)
    logging.getLogger("host_agent").setLevel(settings.log.level.upper())
    run_agent(settings)
