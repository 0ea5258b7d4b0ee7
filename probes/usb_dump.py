"""What a phone and the bench say of the USB link: `dumpsys usb` in its three forms, and `lsusb -v`. Pure parsers."""

from __future__ import annotations

import re

from probes.api import Parsed, parser
from probes.captured import flag, integer, note, stripped_lines
from probes.cut import without_cut_value

__all__ = ["lsusb_v", "usb"]

_PAIR = re.compile(r"([A-Za-z_]{1,60})=(.*)", re.ASCII)
_LABEL = re.compile(r"([A-Za-z_][A-Za-z_ ]{0,60}):(.*)", re.ASCII)
_PORT_STATUS = re.compile(
    r"status=UsbPortStatus\{connected=(\w{1,9}), currentMode=(\w{1,20}), currentPowerRole=([\w-]{1,20}), "
    r"currentDataRole=([\w-]{1,20})",
    re.ASCII,
)
#: Keys of the nested form (Android 9 and later), where they stand, and the fact that each gives.
_NESTED = {
    ("handler", "kernel_state"): "kernel_state",
    ("handler", "kernel_function_list"): "current_functions",
    ("handler", "connected"): "connected",
    ("handler", "configured"): "configured",
    ("handler", "host_connected"): "host_connected",
    ("handler", "usb_charging"): "usb_charging",
    ("status", "current_mode"): "port_status",
    ("status", "power_role"): "power_role",
    ("status", "data_role"): "data_role",
    ("status", "connected"): "port_connected",
    ("status", "contaminant_presence_status"): "contaminant",
    ("status", "contaminant_protection_status"): "contaminant_protection",
    ("status", "usb_data_status"): "data_status",
    ("status", "compliance_warnings"): "compliance_warnings",
    ("port", "supported_modes"): "supported_modes",
}
#: Values that are whole at the end of a text that was cut.
_WORDS = frozenset(("true", "false", "CONFIGURED", "CONNECTED", "DISCONNECTED", "ufp", "dfp", "sink", "source", "none"))
_ONE_WORD = ("kernel_state", "port_status", "power_role")
_FLAGS = ("connected", "configured", "host_connected", "usb_charging", "port_connected")


@parser("usb")
def usb(data: bytes) -> Parsed:
    """`dumpsys usb`: what the kernel, the device side and the first port say."""
    parsed = Parsed()
    lines = without_cut_value(stripped_lines(data), data, lambda value: value in _WORDS)
    if any(line.startswith(("USB MANAGER STATE", "device_manager={", "handler={")) for line in lines):
        _nested(lines, parsed)
    else:
        _indented(lines, parsed)
        _anywhere([line for line in lines if not line.startswith("configured=")], parsed)
    return parsed


def _put(parsed: Parsed, fact: str, value: str) -> None:
    """The first value of a fact counts; a flag that is none is put on record."""
    if fact in parsed.facts or not value or value == "null":
        return
    if fact not in _FLAGS:
        parsed.facts[fact] = value.split()[0] if fact in _ONE_WORD else value
    elif (told := flag(value)) is None:
        note(parsed, fact, value, "a flag")
    else:
        parsed.facts[fact] = told


#: Names that stand once in the dump: read also where vendors nest them in other groups, or the braces do not match.
_ANYWHERE = {
    "kernel_state": "kernel_state",
    "kernel_function_list": "current_functions",
    "configured": "configured",
    "current_mode": "port_status",
}


def _nested(lines: list[str], parsed: Parsed) -> None:
    """`name={`, `name=[` open a group, `}` and `]` close one; a value belongs to the group that it stands in."""
    groups: list[str] = []
    for line in lines:
        if line in ("}", "]"):
            groups = groups[:-1]
        elif line.endswith(("{", "[")):
            groups.append(line.rstrip("{[").rstrip("=").strip())
            if len(groups) > 64:  # deeper than any real dump: a broken stream
                break
        elif (pair := _PAIR.fullmatch(line)) and groups and (fact := _NESTED.get((groups[-1], pair[1]))):
            _put(parsed, fact, pair[2].strip())
    _anywhere(lines, parsed)


def _anywhere(lines: list[str], parsed: Parsed) -> None:
    for line in lines:
        if (pair := _PAIR.fullmatch(line)) and (fact := _ANYWHERE.get(pair[1])):
            _put(parsed, fact, pair[2].strip())


_INDENTED = {"Kernel state": "kernel_state", "mCurrentFunctions": "current_functions"}


def _indented(lines: list[str], parsed: Parsed) -> None:
    """Android 8 and earlier. Its `mConnected` counts as the link's state only in the form of Android 2.3."""
    old = any(line.startswith("Enabled Functions:") for line in lines)
    for line in lines:
        if label := _LABEL.fullmatch(line):
            name, value = label[1], label[2].strip()
            if name in _INDENTED:
                _put(parsed, _INDENTED[name], value)
            elif old and name == "mConnected":
                _put(parsed, "connected", value.partition(",")[0])  # `1, mConfiguration: 1`
            elif name == "mConfigured":
                _put(parsed, "device_configured", value)
        if port := _PORT_STATUS.search(line):
            for fact, value in zip(("port_mode", "port_power_role", "port_data_role"), port.groups()[1:], strict=True):
                parsed.facts.setdefault(fact, value)


_ID = re.compile(r"0x([0-9a-fA-F]{4})\b", re.ASCII)
_INDEXED = re.compile(r"[0-9]{1,3} (.{1,200})", re.ASCII)
_DEVICE_FIELDS = ("idVendor", "idProduct", "bcdUSB", "iManufacturer", "iProduct", "iSerial", "MaxPower")
_INTERFACE_FIELDS = ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol", "iInterface")
#: Class, subclass and protocol of adb's interface (AOSP adb, usb_vendors: ADB_CLASS 0xff, ADB_SUBCLASS 0x42, 1).
_ADB = (255, 66, 1)


@parser("lsusb_v")
def lsusb_v(data: bytes) -> Parsed:
    """`lsusb -v`: ids, names, serial and interfaces of the first device described."""
    parsed = Parsed()
    facts = parsed.facts
    interfaces: list[dict[str, str]] = []
    seen = False
    for line in stripped_lines(data):
        if line == "Device Descriptor:":
            if seen:
                break
            seen = True
        elif line == "Interface Descriptor:":
            interfaces.append({})
        elif seen and len(words := line.split(None, 1)) == 2:
            if words[0] in _INTERFACE_FIELDS and interfaces:
                interfaces[-1].setdefault(words[0], words[1].strip())
            elif words[0] in _DEVICE_FIELDS and not interfaces:
                _device_field(words[0], words[1].strip(), parsed)
    if interfaces:
        facts["interfaces"] = len(interfaces)
        facts["interface_names"] = [_interface_name(one) for one in interfaces]
        facts["adb"] = any(_numbers(one) == _ADB for one in interfaces)
    return parsed


def _device_field(name: str, value: str, parsed: Parsed) -> None:
    facts = parsed.facts
    if name in ("idVendor", "idProduct"):
        if found := _ID.match(value):
            facts.setdefault("vid" if name == "idVendor" else "pid", found[1].lower())
        else:
            note(parsed, name, value, "four hexadecimal digits")
    elif name == "bcdUSB":
        facts.setdefault("usb_version", value)
    elif name == "MaxPower":
        if (power := integer(value.removesuffix("mA"))) is not None:
            facts.setdefault("max_power_mA", power)
    elif text := _INDEXED.fullmatch(value):
        fact = {"iManufacturer": "manufacturer", "iProduct": "product", "iSerial": "serial"}[name]
        facts.setdefault(fact, text[1].strip())


def _interface_name(fields: dict[str, str]) -> str:
    named = _INDEXED.fullmatch(fields.get("iInterface", ""))
    return named[1].strip() if named else "/".join(str(number) for number in _numbers(fields))


def _numbers(fields: dict[str, str]) -> tuple[int | None, ...]:
    names = ("bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol")
    return tuple(integer((fields.get(name, "").split() or [""])[0]) for name in names)
