"""From the board to the agent: Wi-Fi, address, firewall; or the serial link."""

import time
from urllib.parse import urlsplit

from host_agent.config import Settings
from tools.board.addresses import addresses
from tools.board.connection import Board
from tools.board.examination import Finding, told
from tools.board.lease import is_of_agent
from tools.board.reach import agent_listens, listens

_CONNECT_S = 20
_WEAK_DBM = -80
_WRONG_PASSWORD = (202, 204)
"""STAT_WRONG_PASSWORD, and the handshake that times out with some routers."""

_SCAN = """
import json, network
station = network.WLAN(network.STA_IF)
station.active(True)
if not station.isconnected():
    station.disconnect()
seen = station.scan()
mine = [found[3] for found in seen if found[0] == settings.ssid.encode()]
print(json.dumps([len(seen), max(mine) if mine else None]))
"""
_CONNECT = """
if not station.isconnected():
    station.connect(settings.ssid, settings.password)
"""
_STATUS = """
up = station.isconnected()
rssi = station.status("rssi") if up else 0
print(json.dumps([up, station.status(), station.ifconfig()[0], rssi]))
"""
"""All three work with the `settings` that condition.SETTINGS left on the board."""
_REACH = """
import json, socket
def reach(host, port):
    try:
        place = socket.getaddrinfo(host, port)[0][-1]
    except OSError:
        return "name"
    try:
        link = socket.socket()
        link.settimeout(4)
        link.connect(place)
    except OSError:
        return "connect"
    finally:
        link.close()
    return ""
print(json.dumps(reach({host!r}, {port})))
"""


def wifi(board: Board, ssid: str) -> Finding:
    """Is the network in sight, and does it let the board in."""
    count, strength = told(board, _SCAN)
    board.run(_CONNECT)
    deadline = time.monotonic() + _CONNECT_S
    up, status, address, rssi = told(board, _STATUS)
    while not up and status not in _WRONG_PASSWORD and time.monotonic() < deadline:
        time.sleep(0.5)
        up, status, address, rssi = told(board, _STATUS)
    if up and rssi < _WEAK_DBM:
        text = f"{ssid} is weak here ({rssi} dBm): move the board or the access point closer"
        return Finding("warn", "wifi", text)
    if up:
        return Finding("ok", "wifi", f"{ssid} at {rssi} dBm, the board has {address}")
    if strength is None:
        text = f"{ssid} is not in sight, {count} others are: an ESP32 sees 2.4 GHz only, and the"
        return Finding("bad", "wifi", f"{text} name must be written as the router has it")
    if status in _WRONG_PASSWORD:
        text = f"{ssid} refuses the password: put the right one into boards/NAME.toml, then flash"
        return Finding("bad", "wifi", text)
    text = f"{ssid} is in sight ({strength} dBm) but does not let the board in (status {status})"
    return Finding("bad", "wifi", f"{text}: its list of devices may be closed, or the router busy")


def agent(board: Board, url: str, settings: Settings | None) -> Finding:
    """Whether the agent can be reached from the board, and if not, who is in the way."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    failed = told(board, _REACH.format(host=host, port=port))
    if not failed:
        return Finding("ok", "agent", f"the board reaches {url}")
    if listens(host, port):
        if failed == "name":
            text = f"the board cannot look up {host}: use an address (agent in boards/NAME.toml)"
            return Finding("bad", "agent", text)
        return Finding(
            "bad",
            "agent",
            f"this machine reaches {url}, the board does not: let port {port} in through this"
            f" machine's firewall (`sudo ufw allow {port}/tcp`), and see that the Wi-Fi lets its"
            " clients talk to each other (no guest network)",
        )
    if settings is not None and agent_listens(settings):
        mine = ", ".join(one.ip for one in addresses()) or "none"
        return Finding(
            "bad",
            "agent",
            f"the agent runs here, but not at {url} (this machine has {mine}, the agent listens on"
            f" {settings.link.listen}): set agent in boards/NAME.toml, then flash",
        )
    return Finding("bad", "agent", f"nothing listens at {url}: start the agent (`make run`)")


def serial(port: str, settings: Settings | None) -> Finding:
    """Whether the agent looks for boards at this port."""
    if settings is None:
        return Finding("warn", "agent", "over the serial link; no agent.toml was found to compare")
    if is_of_agent(port, settings):
        return Finding("ok", "agent", f"over the serial link; [serial] ports names {port}")
    text = f'over the serial link, but agent.toml does not name it: [serial] ports = ["{port}"]'
    return Finding("bad", "agent", text)
