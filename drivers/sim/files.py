"""The phone's files that live (`/sys`, `/proc`) and the rights on those that the shell user may not see.

Stands on the phone's state and its sandbox. A living file is rendered when somebody reads it; `cat` gets it from here,
other tools find it on disk, brought up to date by `.look` just before they start.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from drivers.sim.channel import Reply
from drivers.sim.dumps_crashes import tombstones
from drivers.sim.parts import parts
from drivers.sim.sandbox import Sandbox
from drivers.sim.screen import screencap
from drivers.sim.state import PhoneState

__all__ = ["FILE_COMMANDS", "LIVING", "is_protected", "living_files", "refresh"]

FileCommand = Callable[[PhoneState, Sandbox, Sequence[str], int], Reply]

_STATUS = {1: "Unknown", 2: "Charging", 3: "Discharging", 4: "Not charging", 5: "Full"}
_HEALTH = {1: "Unknown", 2: "Good", 3: "Overheat", 4: "Dead", 5: "Over voltage", 6: "Unspecified failure", 7: "Cold"}
_PROTECTED = ("/data/tombstones", "/data/anr", "/data/data", "/data/system", "/data/misc", "/metadata", "/data/adb")
LIVING = ("/sys", "/proc", "/data/tombstones")
"""Where the living files are."""
_SUPPLY = "/sys/class/power_supply"


def is_protected(state: PhoneState, path: str, uid: int) -> bool:
    """Whether Android's rights keep the shell user from `path`."""
    if uid == 0:
        return False
    if path.rstrip("/") == "/data" or any(path == top or path.startswith(top + "/") for top in _PROTECTED):
        return True
    return path.startswith(_SUPPLY + "/") and not state.persona.battery.sysfs


def living_files(state: PhoneState) -> dict[str, str]:
    """Every living file of the phone, by its absolute path."""
    of_parts = {path: text for path, file in parts().files.items() if (text := file(state)) is not None}
    return _power_supply(state) | _proc(state) | tombstones(state) | of_parts


def refresh(state: PhoneState, sandbox: Sandbox) -> None:
    """Write all living files into the sandbox, for globs, redirections and tools; those that are gone go there, too."""
    living = {sandbox.path(name): text for name, text in living_files(state).items()}
    for file in sandbox.path("/data/tombstones").glob("*"):
        if file not in living:
            file.unlink()
    for path, text in living.items():
        _bring_up_to_date(path, text.encode())


def _bring_up_to_date(path: Path, content: bytes) -> None:
    """Write in place, and only what has changed: ext4 takes 1.6 ms for a file that is emptied first (measured)."""
    try:
        with path.open("r+b") as file:
            if file.read() != content:
                file.seek(0)
                file.write(content)
                file.truncate()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _power_supply(state: PhoneState) -> dict[str, str]:
    reading, data = state.reading(), state.persona.battery
    entries = {
        "NAME": "battery",
        "TYPE": "Battery",
        "CAPACITY": str(reading.level),
        "CAPACITY_LEVEL": "Full" if reading.level >= 100 else "Normal",
        "CHARGE_COUNTER": str(reading.charge_uah),
        "CHARGE_FULL": str(data.full_uah),
        "CHARGE_FULL_DESIGN": str(data.design_uah),
        "CURRENT_AVG": str(reading.average_ua),
        "CURRENT_NOW": str(reading.current_ua),
        "HEALTH": _HEALTH.get(data.health, "Unknown"),
        "PRESENT": "1",
        "STATUS": _STATUS[reading.status],
        "TECHNOLOGY": data.technology,
        "TEMP": str(reading.temperature_dc),
        "VOLTAGE_NOW": str(reading.voltage_uv),
        "VOLTAGE_OCV": str(reading.voltage_uv - round(reading.average_ua * data.resistance_mohm / 1000)),
    }
    if data.cycles is not None:
        entries["CYCLE_COUNT"] = str(data.cycles)
    if data.serial:
        entries["SERIAL_NUMBER"] = data.serial
    online = "1" if reading.plugged else "0"
    usb = {
        "NAME": "usb",
        "TYPE": "USB",
        "ONLINE": online,
        "PRESENT": online,
        "VOLTAGE_NOW": "4986000" if reading.plugged else "0",
        "CURRENT_MAX": "500000" if reading.plugged == "usb" else "1500000" if reading.plugged else "0",
        "USB_TYPE": "Unknown [SDP] CDP DCP C PD" if reading.plugged == "usb" else "Unknown SDP CDP [DCP] C PD",
    }
    return _supply("battery", entries) | _supply("usb", usb)


def _supply(name: str, entries: dict[str, str]) -> dict[str, str]:
    folder = f"{_SUPPLY}/{name}"
    files = {f"{folder}/{key.lower()}": f"{value}\n" for key, value in entries.items() if key != "NAME"}
    files[f"{folder}/uevent"] = "".join(f"POWER_SUPPLY_{key}={value}\n" for key, value in entries.items())
    return files


def _proc(state: PhoneState) -> dict[str, str]:
    android, model, total = state.persona.android, state.persona.model, state.persona.memory_kb
    # Shares of a phone with a few apps open; they drift a little with time.
    drift = int(state.clock.now() * 37) % 4096
    free, cached = total // 18 + drift, total // 3
    rows = {
        "MemTotal": total,
        "MemFree": free,
        "MemAvailable": free + cached - cached // 9,
        "Buffers": 5_284,
        "Cached": cached,
        "SwapCached": 11_432,
        "Active": total // 4,
        "Inactive": total // 3,
        "Dirty": 1_208,
        "Writeback": 0,
        "AnonPages": total // 4,
        "Mapped": total // 9,
        "Shmem": 24_660,
        "Slab": total // 16,
        "KernelStack": 61_232,
        "PageTables": 118_076,
        "SwapTotal": total // 2,
        "SwapFree": total // 2 - 401_208,
    }
    meminfo = "".join(f"{name + ':':<16}{value:>8} kB\n" for name, value in rows.items())
    return {
        "/proc/meminfo": meminfo,
        "/proc/version": f"Linux version {android.kernel} (build@host) (Android clang 14.0.7) #1 SMP\n",
        "/proc/cmdline": f"androidboot.hardware={model.hardware} androidboot.serialno={state.identity.serial}\n",
        "/proc/cpuinfo": "".join(f"processor\t: {core}\nBogoMIPS\t: 49.15\n\n" for core in range(8))
        + f"Hardware\t: {model.board}\n",
    }


def _cat(state: PhoneState, sandbox: Sandbox, arguments: Sequence[str], uid: int) -> Reply:
    files = living_files(state)
    out: list[bytes] = []
    wrong: list[str] = []
    for name in arguments:
        if name.startswith("-") and name != "-":
            continue
        path = os.path.normpath(name) if name.startswith("/") else name
        if is_protected(state, path, uid):
            wrong.append(f"cat: {name}: Permission denied")
        elif path in files:
            out.append(files[path].encode("utf-8", "surrogateescape"))
        else:
            _read(sandbox.path(path), name, out, wrong)
    return Reply(b"".join(out), "\n".join(wrong), 1 if wrong else 0)


def _read(path: Path, name: str, out: list[bytes], wrong: list[str]) -> None:
    try:
        out.append(path.read_bytes())
    except IsADirectoryError:
        wrong.append(f"cat: read: {name}: Is a directory")
    except OSError:
        wrong.append(f"cat: {name}: No such file or directory")


def _look(state: PhoneState, sandbox: Sandbox, arguments: Sequence[str], uid: int) -> Reply:
    tool, *names = arguments
    paths = [name for name in names if name.startswith("/")]
    for path in paths:
        if is_protected(state, os.path.normpath(path), uid):
            return Reply(stderr=f"{tool}: {path}: Permission denied", code=1)
    if any(path.startswith(LIVING) for path in paths):
        refresh(state, sandbox)
    return Reply()


FILE_COMMANDS: dict[str, FileCommand] = {"cat": _cat, ".look": _look, "screencap": screencap}
"""Programs that read or write the phone's files; `.look` comes before a real tool that is about to."""
