"""The files that `thingwarden init` writes."""

import grp
from pathlib import Path

AGENT_TOML = """\
# ThingWarden agent. A line that starts with `# name = value` shows the default; remove the `#` to
# change it. The agent reads this file when it starts.

[securithings]
# The account that events go to. The environment may give them instead, and wins:
# THINGWARDEN_API_KEY and THINGWARDEN_API_SECRET.
api_key = ""
api_secret = ""
# https, or http on this machine.
# url = "https://service.securithings.com/api/v1/event"

[link]
# Where boards send their reports: HOST:PORT. 0.0.0.0 is every network of this machine.
# listen = "0.0.0.0:8710"

[serial]
# Boards on a USB cable: "/dev/ttyUSB0", a pattern such as "/dev/ttyUSB*", or
# "socket://HOST:PORT" of a serial server. The agent opens no other port.
# ports = []

[console]
# The console, its API, /healthz and /metrics: HOST:PORT. For other machines put a proxy with TLS
# in front and leave it on this one.
# listen = "127.0.0.1:8711"
# Addresses or networks of proxies in front; only what they say of a client is believed.
# trusted_proxies = []

[app]
# Where the app of `thingwarden run --app FILE` answers requests, if it does: HOST:PORT.
# listen = "127.0.0.1:8712"
# Addresses or networks of proxies in front; only what they say in X-Forwarded-For is believed.
# trusted_proxies = []

[store]
# The file with devices, keys and events, from the directory of this file.
# path = "thingwarden.db"
# With so many events, or bytes of events, waiting or dead, reports are refused: boards keep them.
# max_events = 1000000
# max_bytes = 1073741824

[delivery]
# Requests under way at a time; never more than one per device.
# concurrency = 64
# How long to wait for an answer, in seconds.
# timeout_s = 10
# The pause after a failure grows from base to cap, in seconds, each time at random below it.
# retry_base_s = 1
# retry_cap_s = 300
# An event that keeps failing so long, in seconds, becomes a dead letter (`thingwarden events`).
# give_up_after_s = 86400
# How often to try again, in seconds, while SecuriThings refuses the credentials.
# probe_s = 60
# How long delivered events can still be listed.
# keep_days = 7
# How long dead letters are kept for `thingwarden events retry`; after that they are deleted.
# keep_dead_days = 90

[guardiankey]
# Who judges access attempts at doors: https, or http on this machine.
# api = "https://api.guardiankey.io"
# A PEM file with the authority to trust instead of the system's, for a proxy of your own.
# ca = ""
# The file that `thingwarden guardiankey register` wrote: logins to the console are judged with it,
# notifications need it, doors use it in `thingwarden device config --door`.
# account = ""
# Where GuardianKey's notifications arrive: HOST:PORT, behind a proxy that speaks TLS.
# webhook = ""
# A notification with one of these verdicts ("NOTIFY", "HARD_NOTIFY", "BLOCK") ...
# lockdown_on = []
# ... locks these devices down, or ["*"] every door, until `thingwarden access release`.
# lockdown_devices = []
# How long attempts, notifications, commands and logins can still be listed.
# keep_days = 90

[log]
# "debug", "info", "warning" or "error"
# level = "info"
"""

_UNIT = """\
# Install it with:
#   sudo cp {unit} /etc/systemd/system/
#   sudo systemctl enable --now thingwarden

[Unit]
Description=ThingWarden agent
# modprobe: DeviceAllow= below finds a kind of device only once its driver is there.
Wants=network-online.target modprobe@usbserial.service modprobe@cdc_acm.service
After=network-online.target modprobe@usbserial.service modprobe@cdc_acm.service

[Service]
ExecStart={python} -m host_agent run --config {settings}
User={user}
Restart=always
RestartPreventExitStatus=2
RestartSec=2
TimeoutStopSec=40
LimitNOFILE=65536

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={directory}
PrivateTmp=yes
DevicePolicy=closed
DeviceAllow=char-ttyUSB rw
DeviceAllow=char-ttyACM rw
{groups}ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def systemd_unit(settings: Path, python: str, user: str) -> str:
    """A hardened unit that runs the agent from `settings` as `user`."""
    directory = settings.parent
    return _UNIT.format(
        unit=directory / "thingwarden.service",
        python=_quoted(python).replace("$", "$$"),
        settings=_quoted(str(settings)).replace("$", "$$"),
        directory=_quoted(str(directory)),
        user=user,
        groups="".join(f"SupplementaryGroups={group}\n" for group in _groups_of_serial_ports()),
    )


def _groups_of_serial_ports() -> list[str]:
    """Debian's and Fedora's; systemd starts no unit that names a group which is not there."""
    return [group.gr_name for group in grp.getgrall() if group.gr_name == "dialout"]


def _quoted(path: str) -> str:
    """As systemd reads it back (systemd.syntax(7), systemd.unit(5) on specifiers)."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
