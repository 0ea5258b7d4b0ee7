"""What this computer's own USB stack says of the port that a phone hangs on: speed and hubs in between.

Reads Linux's sysfs (Documentation/ABI/testing/sysfs-bus-usb); on any other system, and for a phone on the network,
there is nothing to say. It opens no device.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from pathlib import Path

__all__ = ["hubs_between", "port_speed"]

DEVICES = Path("/sys/bus/usb/devices")
#: A port as adb names it: the bus, then the socket of each hub on the way.
_PORT = re.compile(r"usb:([0-9]{1,3}-[0-9]{1,2}(?:\.[0-9]{1,2}){0,6})", re.ASCII)


def port_speed(port: str, devices: Path = DEVICES) -> Decimal | None:
    """Mbit/s that host and phone agreed on at the port, None where nobody can tell. `port` is a `Link.port`."""
    found = _PORT.fullmatch(port)
    if found is None:
        return None
    try:
        return Decimal((devices / found[1] / "speed").read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError, InvalidOperation):
        return None


def hubs_between(port: str) -> int | None:
    """How many hubs stand between this computer and the phone, None for what is no USB port."""
    found = _PORT.fullmatch(port)
    return None if found is None else found[1].count(".")
