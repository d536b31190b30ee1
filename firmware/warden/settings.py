"""What config.json says, apart from the code that checks it: that is forgotten after the start."""


class ConfigError(Exception):
    """Names the field that is wrong and what would be right. Never holds a secret."""


class Settings:
    """config.json, checked, with every default filled in: see config.checked."""

    device: str
    key: bytes
    boot_floor: int
    agent: str
    ssid: str | None
    password: str | None
    poll_s: int
    watchdog_s: int
    inputs: list
    commands: dict
    functions: dict
    guardiankey: "GuardianKeySettings | None"
    access: dict | None


class GuardianKeySettings:
    """The account and how to reach the service: see config_access.guardiankey."""

    route: str
    agent_id: str
    organization_id: str
    auth_group_id: str
    key: bytes
    iv: bytes
    service: str
    client_ip: str | None
    client_reverse: str
    user_agent: str
    api: str
    ca: str
    collector: str
