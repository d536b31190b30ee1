"""What config.json says, apart from the code that checks it: that is forgotten after the start."""


class ConfigError(Exception):
    """Names the field that is wrong and what would be right. Never holds a secret."""


class Settings:
    """config.json, checked, with every default filled in: see config.checked."""

    device = ""
    key = b""
    boot_floor = 0
    agent = ""
    ssid = None
    password = None
    poll_s = 0
    watchdog_s = 0
    inputs = []
    commands = {}
    functions = {}
    guardiankey = None
    access = None


class GuardianKeySettings:
    """The account and how to reach the service: see config_access.guardiankey."""

    route = ""
    agent_id = ""
    organization_id = ""
    auth_group_id = ""
    key = b""
    iv = b""
    service = ""
    client_ip = None
    client_reverse = ""
    user_agent = ""
    api = ""
    ca = ""
    collector = ""
