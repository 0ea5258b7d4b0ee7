"""What this computer's own USB stack says of the port that a phone hangs on: speed and hubs in between.

Reads Linux's sysfs (Documentation/ABI/testing/sysfs-bus-usb); on any other system, and for a phone on the network,
there is nothing to say. It opens no device.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from drivers.text import safe_text

__all__ = ["Plugged", "hubs_between", "port_names", "port_speed", "without_debugging"]

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


@dataclass(frozen=True, slots=True)
class Plugged:
    """What a device says in its USB descriptor, made safe to show: `vendor` four hex digits, `name` its two names."""

    port: str
    vendor: str
    name: str


#: The interface of adb: vendor specific, subclass 0x42, protocol 1 (AOSP packages/modules/adb, adb.h).
_ADB = ("ff", "42", "01")
#: Interfaces of phones that only charge or share files: still image (PTP and MTP), vendor specific (MTP), RNDIS.
_OF_PHONES = ("06", "ff", "e0", "02")


def port_names(port: str, devices: Path = DEVICES) -> Plugged | None:
    """What the device at the port says of itself, None where nobody can tell. `port` is a `Link.port`."""
    found = _PORT.fullmatch(port)
    return None if found is None else _plugged(devices / found[1])


def without_debugging(makers: Collection[str], devices: Path = DEVICES) -> list[Plugged]:
    """Devices with a vendor id of these makers, with an interface as phones have, and without that of adb."""
    found = []
    for folder in sorted(devices.glob("*")) if devices.is_dir() else ():
        if _PORT.fullmatch(f"usb:{folder.name}") and (one := _plugged(folder)) and one.vendor in makers:
            interfaces = _interfaces(folder)
            if _ADB not in interfaces and any(kind in _OF_PHONES for kind, _, _ in interfaces):
                found.append(one)
    return found


def _plugged(folder: Path) -> Plugged | None:
    vendor = _read(folder / "idVendor").lower()
    if not re.fullmatch("[0-9a-f]{4}", vendor, re.ASCII):
        return None
    names = " ".join(filter(None, (_read(folder / "manufacturer"), _read(folder / "product"))))
    return Plugged(f"usb:{folder.name}", vendor, safe_text(names, 100))


def _interfaces(folder: Path) -> set[tuple[str, str, str]]:
    """Class, subclass and protocol of each interface of the device."""
    parts = ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol")
    each = folder.glob(f"{folder.name}:*")
    return {(_read(one / parts[0]), _read(one / parts[1]), _read(one / parts[2])) for one in each}


def _read(file: Path) -> str:
    try:
        return file.read_bytes()[:400].decode("utf-8", "replace").strip()
    except OSError:
        return ""
