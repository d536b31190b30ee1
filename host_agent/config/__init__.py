"""agent.toml: read once, checked as a whole, every mistake told with its table and field."""

from host_agent.config.app import AppSettings
from host_agent.config.errors import ConfigError
from host_agent.config.guardiankey import GuardianKeySettings
from host_agent.config.loading import load_settings
from host_agent.config.serial import SerialSettings
from host_agent.config.tables import ENVIRONMENT, SecuriThingsSettings, Settings

__all__ = [
    "ENVIRONMENT",
    "AppSettings",
    "ConfigError",
    "GuardianKeySettings",
    "SecuriThingsSettings",
    "SerialSettings",
    "Settings",
    "load_settings",
]
