"""What the phone's own programs answer, from its living state.

A table from a program's name to a function of (state, arguments, user id). What these functions print has the shapes
that Android prints; what a program takes of the phone's time is in the persona (`cost_ms`) or in `COST_MS`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from drivers.sim.channel import Reply
from drivers.sim.dumps_crashes import crash_log, main_log
from drivers.sim.dumps_radio import parcel
from drivers.sim.dumpsys import dumpsys
from drivers.sim.getevent import getevent
from drivers.sim.parts import Program, parts
from drivers.sim.state import PhoneState

__all__ = ["COMMANDS", "IN_SERVER", "cost_s"]

IN_SERVER = frozenset({"dumpsys", "cmd", "content", "service", "settings", "am", "pm", "svc", "input", "wm"})
"""Programs that wait for the system server, which answers one at a time."""

COST_MS = {
    "dumpsys": 18.0,
    "dumpsys batterystats": 60.0,
    "dumpsys media.camera": 35.0,
    "dumpsys sensorservice": 25.0,
    "dumpsys telephony.registry": 25.0,
    "dumpsys wifi": 45.0,
    "dumpsys dropbox": 30.0,
    "cmd": 15.0,
    "service": 10.0,
    "settings": 25.0,
    "am": 80.0,
    "pm": 40.0,
    "svc": 60.0,
    "input": 60.0,
    "screencap": 180.0,
    "logcat": 30.0,
    "getprop": 4.0,
    "df": 5.0,
    "": 2.0,
}
"""Milliseconds of the phone's own time by first words: orders of magnitude of a mid-range phone, not measurements."""


def cost_s(words: Sequence[str], own: Mapping[str, float]) -> float:
    """Seconds that a command takes: the longest entry of the persona's own table, then of `COST_MS`, that fits."""
    for size in range(len(words), -1, -1):
        prefix = " ".join(words[:size])
        for table in (own, COST_MS):
            if prefix in table:
                return table[prefix] / 1000.0
    return 0.0


def _getprop(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    if not arguments:
        return _text("".join(f"[{name}]: [{value}]\n" for name, value in state.props.items()))
    default = arguments[1] if len(arguments) > 1 else ""
    return _text(f"{state.prop(arguments[0]) or default}\n")


def _setprop(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    if len(arguments) != 2:
        return Reply(stderr="usage: setprop NAME VALUE", code=1)
    name, value = arguments
    if uid != 0 and not name.startswith(("debug.", "log.", "persist.log.")):
        return Reply(stderr=f"Failed to set property '{name}' to '{value}'.\nSee dmesg for error reason.", code=1)
    state.set_prop(name, value)
    return Reply()


def _id(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    if uid == 0:
        return _text("uid=0(root) gid=0(root) groups=0(root) context=u:r:magisk:s0\n")
    groups = "1004(input),1007(log),1011(adb),1015(sdcard_rw),1028(sdcard_r),3001(net_bt_admin),3002(net_bt),3003(inet)"
    return _text(
        f"uid=2000(shell) gid=2000(shell) groups=2000(shell),{groups},3006(net_bw_stats) context=u:r:shell:s0\n"
    )


def _whoami(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    return _text("root\n" if uid == 0 else "shell\n")


def _uptime(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    minutes = int(time.monotonic() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    up = f"{days} days, {hours}:{minutes % 60:02d}" if days else f"{hours}:{minutes % 60:02d}"
    return _text(f" {state.date():%H:%M:%S} up {up},  0 users,  load average: 1.21, 1.34, 1.40\n")


def _date(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    moment = state.date()
    form = next((word[1:] for word in arguments if word.startswith("+")), "%a %b %e %H:%M:%S GMT %Y")
    form = form.replace("%N", f"{moment.microsecond * 1000:09d}").replace("%s", str(int(moment.timestamp())))
    return _text(moment.strftime(form) + "\n")


def _df(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    partitions = state.persona.partitions
    wanted = [word for word in arguments if word.startswith("/")]
    if wanted:
        partitions = tuple(p for p in partitions if any(_holds(p.mount, path) for path in wanted)) or partitions[:1]
    if state.persona.adb.toolbox:
        rows = [f"{'Filesystem':<20}{'Size':>9}{'Used':>9}{'Free':>9}   Blksize"]
        rows += [
            f"{p.mount:<20}{_short(p.total_kb):>9}{_short(p.used_kb):>9}{_short(p.total_kb - p.used_kb):>9}   4096"
            for p in partitions
        ]
        return _text("\n".join(rows) + "\n")
    human = any(word in ("-h", "-H") for word in arguments)
    cells = [("Filesystem", "Size" if human else "1K-blocks", "Used", "Avail" if human else "Available", "Use%")]
    for p in partitions:
        free = p.total_kb - p.used_kb
        sizes = (_short(p.total_kb), _short(p.used_kb), _short(free)) if human else (p.total_kb, p.used_kb, free)
        total, used, left = (str(size) for size in sizes)
        cells.append((p.device, total, used, left, f"{-(-p.used_kb * 100 // p.total_kb)}%"))
    mounts = ["Mounted on", *(p.mount for p in partitions)]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    return _text(
        "".join(
            f"{row[0]:<{widths[0]}} {row[1]:>{widths[1]}} {row[2]:>{widths[2]}} {row[3]:>{widths[3]}} "
            f"{row[4]:>{widths[4]}} {mount}\n"
            for row, mount in zip(cells, mounts, strict=True)
        )
    )


def _holds(mount: str, path: str) -> bool:
    return path == mount or path.startswith(mount.rstrip("/") + "/")


def _short(kilobytes: int) -> str:
    for unit, size in (("G", 1024 * 1024), ("M", 1024)):
        if kilobytes >= size:
            return f"{kilobytes / size:.1f}{unit}"
    return f"{kilobytes}.0K"


def _logcat(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    words = list(arguments)
    buffers = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-b"]
    if "-c" in words:
        return Reply()
    crashes = any("crash" in buffer or buffer == "all" for buffer in buffers)
    lines: Iterable[str] = crash_log(state) if crashes else main_log(state)
    if "-t" in words or "-d" in words:
        return _text("".join(lines))
    return Reply(_followed(state, "".join(lines)))


async def _followed(state: PhoneState, text: str) -> AsyncIterator[bytes]:
    """A log that goes on: a line every half second, as a quiet phone has."""
    yield text.encode("utf-8", "surrogateescape")
    number = 0
    while True:
        await asyncio.sleep(0.5)
        number += 1
        now = state.date()
        stamp = f"{now:%m-%d %H:%M:%S}.{now.microsecond // 1000:03d}"
        yield f"{stamp}  1004  1311 D BatteryService: level {state.reading().level}, update {number}\n".encode()


def _service(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    words = list(arguments)
    if words[:1] == ["list"]:
        return _text("Found 1 services:\n0\tiphonesubinfo: [com.android.internal.telephony.IPhoneSubInfo]\n")
    if words[:1] == ["check"] and len(words) == 2:
        service = parts().services.get(words[1])
        found = words[1] == "iphonesubinfo" or (service is not None and service(state, ()) is not None)
        return _text(f"Service {words[1]}: {'' if found else 'not '}found\n")
    if words[:1] != ["call"] or len(words) < 3:
        return Reply(stderr="service: No command specified", code=10)
    if answering := parts().cmd.get(f"service call {words[1]}"):
        return answering(state, words[2:], uid)
    if words[1] != "iphonesubinfo":
        return _text(f"service: Service {words[1]} does not exist\n", code=10)
    if words[2] == _calls_of(state)["nai"]:
        return _text("Result: Parcel(00000000 ffffffff   '........')\n")
    slot = _imei_slot(state, words[2:])
    if slot is None or slot >= len(state.identity.imeis):
        return _text("Result: Parcel(fffffffc ffffffff 00000000   '............')\n")
    return _text(parcel(state.identity.imeis[slot]))


def _calls_of(state: PhoneState) -> dict[str, str]:
    """Numbers of getNaiForSubscriber and getDeviceIdForPhone (AOSP IPhoneSubInfo.aidl: Android 11 put one before)."""
    return {"nai": "3", "device": "4"} if state.persona.android.sdk >= 30 else {"nai": "2", "device": "3"}


def _imei_slot(state: PhoneState, words: Sequence[str]) -> int | None:
    """Which slot's IMEI an IPhoneSubInfo call asks for: 1 that of the slot of calls, getDeviceIdForPhone its own."""
    if words[0] == "1":
        return next((slot for slot, sim in enumerate(state.persona.sims) if sim.state in ("READY", "LOADED")), 0)
    method, *rest = words
    if method == _calls_of(state)["device"] and len(rest) >= 2 and rest[0] == "i32" and rest[1].isdigit():
        return int(rest[1])
    return None


def _cmd(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    service, *words = arguments or ("",)
    handler = parts().cmd.get(service) or _CMD.get(service)
    if handler is None:
        return Reply(stderr=f"cmd: Can't find service: {service}", code=20)
    return handler(state, words, uid)


def _cmd_phone(state: PhoneState, words: Sequence[str], uid: int) -> Reply:
    if words[:1] == ["get-imei"]:
        # Only for root on a build that is no user build (AOSP TelephonyShellCommand).
        if uid != 0 or state.persona.android.type == "user":
            return Reply(stderr="Device IMEI: Permission denied.", code=255)
        slot = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        found = state.identity.imeis[slot] if slot < len(state.identity.imeis) else "null"
        return _text(f"Device IMEI: {found}\n")
    return Reply(b"Telephony Commands:\n  help\n  get-imei [-s SLOT_ID]\n", code=255)


def _followed_setting(state: PhoneState, space: str, name: str) -> str:
    follow = parts().settings.get(f"{space} {name}")
    return follow(state) if follow else "null"


def _settings(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    words = [word for at, word in enumerate(arguments) if word != "--user" and arguments[at - 1 : at] != ["--user"]]
    if len(words) < 2 or words[1] not in ("system", "secure", "global"):
        return Reply(stderr="Invalid namespace or command", code=255)
    verb, space, *rest = words
    if verb == "get" and len(rest) == 1:
        return _text((state.settings.get((space, rest[0])) or _followed_setting(state, space, rest[0])) + "\n")
    if verb == "put" and len(rest) >= 2:
        state.settings[(space, rest[0])] = rest[1]
        return Reply()
    if verb == "delete" and len(rest) == 1:
        gone = state.settings.pop((space, rest[0]), None)
        return _text(f"Deleted {0 if gone is None else 1} rows\n")
    if verb == "list" and state.persona.android.sdk < 24:  # AOSP SettingsCmd knew get, put and delete alone
        usage = "usage:  settings [--user NUM] get namespace key\n        settings [--user NUM] put namespace key value"
        return Reply(stderr=f"Invalid command: list\n{usage}", code=1)
    if verb == "list":
        found = sorted((key, value) for (where, key), value in state.settings.items() if where == space)
        return _text("".join(f"{key}={value}\n" for key, value in found))
    return Reply(stderr="Bad command", code=255)


_SETTINGS_URI = "content://settings/"


def _content(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    """`content query` of the settings provider, with the rows of AOSP's ContentShell."""
    words = list(arguments)
    uri = words[words.index("--uri") + 1] if "--uri" in words[:-1] else ""
    if words[:1] != ["query"] or not uri.startswith(_SETTINGS_URI):
        return Reply(stderr=f"[ERROR] Unsupported operation: {' '.join(words[:1])}", code=1)
    space = uri.removeprefix(_SETTINGS_URI)
    found = sorted((key, value) for (where, key), value in state.settings.items() if where == space)
    rows = [f"Row: {at} name={key}, value={value}\n" for at, (key, value) in enumerate(found)]
    return _text("".join(rows) or "No result found.\n")


def _pm(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    if list(arguments[:2]) == ["list", "features"]:
        return _text("".join(f"feature:{name}\n" for name in _features(state)))
    if list(arguments[:2]) == ["list", "packages"]:
        packages = ["android", "com.android.chrome", "com.android.settings", "com.android.systemui"]
        return _text("".join(f"package:{name}\n" for name in packages))
    return Reply(stderr=f"Unknown command: {' '.join(arguments)}", code=255)


def _features(state: PhoneState) -> list[str]:
    persona = state.persona
    names = ["reqGlEsVersion=0x30002", "android.hardware.touchscreen", "android.hardware.usb.accessory"]
    if persona.cameras:
        names += ["android.hardware.camera", "android.hardware.camera.any"]
    if any(camera.facing == "Front" for camera in persona.cameras):
        names.append("android.hardware.camera.front")
    if persona.sims:
        names += ["android.hardware.telephony", "android.hardware.telephony.gsm"]
    if persona.wifi.present:
        names.append("android.hardware.wifi")
    names += [f"android.hardware.sensor.{name}" for name in persona.sensor_features]
    names += [name for name, there in parts().features.items() if there(state)]
    return sorted([*names, "android.hardware.location.gps"])


def _wm(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    answers = {"size": "Physical size: 1080x2400\n", "density": "Physical density: 420\n"}
    found = answers.get(arguments[0] if arguments else "")
    return _text(found) if found else Reply(stderr="Window manager (window) commands:", code=255)


def _ps(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    rows = ["USER           PID  PPID     VSZ    RSS WCHAN            ADDR S NAME"]
    for user, pid, name in (
        ("root", 1, "init"),
        ("system", 1004, "system_server"),
        ("shell", 1311, "adbd"),
        ("u0_a112", 1702, "com.android.systemui"),
    ):
        rows.append(f"{user:<12} {pid:>5} {1:>5} {10_842_000:>8} {91_204:>6} 0                   0 S {name}")
    return _text("\n".join(rows) + "\n")


def _uname(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    kernel = state.persona.android.kernel
    shown = {"-r": kernel, "-m": "aarch64", "-a": f"Linux localhost {kernel} #1 SMP PREEMPT aarch64 Toybox"}
    return _text(shown.get(arguments[0] if arguments else "", "Linux") + "\n")


def _getenforce(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    return _text(state.persona.security.selinux + "\n")


def _text(text: str, code: int = 0) -> Reply:
    return Reply(text.encode("utf-8", "surrogateescape"), code=code)


_CMD: dict[str, Program] = {"phone": _cmd_phone}

COMMANDS: dict[str, Program] = {
    "cmd": _cmd,
    "date": _date,
    "df": _df,
    "dumpsys": dumpsys,
    "getenforce": _getenforce,
    "getevent": getevent,
    "getprop": _getprop,
    "id": _id,
    "logcat": _logcat,
    "pm": _pm,
    "ps": _ps,
    "service": _service,
    "setprop": _setprop,
    "settings": _settings,
    "content": _content,
    "uname": _uname,
    "uptime": _uptime,
    "whoami": _whoami,
    "wm": _wm,
}
"""Programs that need nothing but the phone's state; `am`, `input` and `reboot` belong to the phone itself."""
