"""What crashed on the phone lately, and which part a crashed driver service points to.

Two sources are read: the drop box, which survives a restart, and the crash log, which names processes. The larger
count stands, both are named. What counts as too many is judged elsewhere; a crash is a hint at a part, not a proof.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import NOT_SAID, Heard, as_value, hear, hear_second
from probes.api import Bench, Measurement, Parsed, Reading, Unread, parser, probe
from probes.captured import integer, stripped_lines
from probes.units import FLAG, LIST, TEXT

__all__ = ["crash_log", "crashes", "dropbox", "phone_clock", "suspect_part"]

DROPBOX = Command("dropbox", "dumpsys dropbox", timeout_s=15.0, limit=2 * 1024 * 1024)
CRASH_LOG = Command("crash-log", "logcat -b crash -d -v threadtime", timeout_s=15.0, limit=4 * 1024 * 1024)
CLOCK = Command("clock", "date '+%s %Y-%m-%d %H:%M:%S'", timeout_s=5.0, limit=1024)

_ENTRY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}) ([\w.@-]{1,120}) \(", re.ASCII)
_LOG = re.compile(
    r"([0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})\.[0-9]{1,6}\s{1,9}[0-9]{1,8}\s{1,9}[0-9]{1,8} "
    r"([VDIWEFA]) (\w{1,40})\s{0,40}: (.*)",
    re.ASCII,
)
_NATIVE = re.compile(r"pid: [0-9]{1,10}, tid: [0-9]{1,10}\b", re.ASCII)


@parser("dropbox")
def dropbox(data: bytes) -> Parsed:
    """`dumpsys dropbox`: time (the phone's own zone) and tag of every entry."""
    parsed = Parsed()
    lines = stripped_lines(data)
    if not any(line.startswith("Drop box contents:") for line in lines):
        return parsed
    found = [entry for entry in map(_ENTRY.match, lines) if entry]
    parsed.facts["entries"] = [{"time": entry[1], "tag": entry[2]} for entry in found]
    return parsed


@parser("crash_log")
def crash_log(data: bytes) -> Parsed:
    """`logcat -b crash -v threadtime`: every native crash with its process, every uncaught Java exception."""
    parsed = Parsed()
    lines = [line for line in stripped_lines(data) if line]
    events: list[dict[str, str]] = []
    for line in lines:
        if not (entry := _LOG.match(line)):
            continue
        time, tag, text = entry[1], entry[3], entry[4]
        if tag == "DEBUG" and _NATIVE.match(text) and ">>> " in text:
            process = text.partition(">>> ")[2].partition(" <<<")[0].strip()
            events.append({"time": time, "kind": "native", "process": process})
        elif tag == "AndroidRuntime" and text.startswith("*** FATAL EXCEPTION IN SYSTEM PROCESS"):
            events.append({"time": time, "kind": "java", "process": "system_server"})
        elif tag == "AndroidRuntime" and text.startswith("Process: "):
            events.append({"time": time, "kind": "java", "process": text[len("Process: ") :].partition(",")[0]})
    if events or not lines or any(_LOG.match(line) for line in lines):
        parsed.facts["events"] = events
    return parsed


@parser("phone_clock")
def phone_clock(data: bytes) -> Parsed:
    """The phone's time: `SECONDS YYYY-MM-DD HH:MM:SS`, seconds since 1970 and its own zone."""
    parsed = Parsed()
    for line in stripped_lines(data):
        seconds, blank, local = line.partition(" ")
        epoch = integer(seconds)
        if blank and epoch is not None and _time(local):
            parsed.facts |= {"epoch_s": epoch, "local": local}
            break
    return parsed


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None


def _log_time(text: str, now: datetime) -> datetime | None:
    """A log's time, which has no year: the last such day that is not after `now`."""
    for year in (now.year, now.year - 1):
        moment = _time(f"{year}-{text}")
        if moment and moment <= now + timedelta(hours=1):
            return moment
    return None


#: Part -> what the process name of its driver service contains (names of AOSP HALs and of common vendor daemons).
_PARTS: Mapping[str, tuple[str, ...]] = {
    "camera": ("camera",),
    "fingerprint": ("fingerprint", "biometrics"),
    "sensors": ("sensors", "sensorhub", "slpi", "sscrpcd"),
    "bluetooth": ("bluetooth",),
    "wifi": ("wifi", "wpa_supplicant", "hostapd", "wlan"),
    "gnss": ("gnss", "gpsd", "loc_launcher", "lbs"),
    "nfc": ("nfc",),
    "audio": ("audio",),
    "vibrator": ("vibrator",),
    "display": ("composer", "surfaceflinger", "hwcomposer", "light-service", "hardware.light"),
    "baseband": ("rild", "hardware.radio", "modem", "qcrild", "ipacm", "netmgrd"),
    "battery": ("hardware.health", "charger", "battery"),
    "usb": ("hardware.usb",),
    "thermal": ("thermal",),
    "secure element": ("keymaster", "keymint", "gatekeeper", "secure_element", "weaver"),
    "storage": ("vold", "storaged"),
    "media codec": ("media.codec", "mediacodec", "hardware.media", "c2@"),
}
#: Driver services are native programs of the vendor, or named as a HAL.
_SERVICE_SIGNS = ("/vendor/bin/", "/odm/bin/", "android.hardware.", "hardware.", "/system/bin/hw/")


def suspect_part(process: str) -> str | None:
    """The part that a crashed driver service drives, or None for a process that drives none."""
    name = process.lower()
    return next((part for part, words in _PARTS.items() if any(word in name for word in words)), None)


def _is_service(process: str) -> bool:
    return any(sign in process for sign in _SERVICE_SIGNS) or (process.startswith("/") and bool(suspect_part(process)))


def _is_app(process: str) -> bool:
    """Apps run under a package name, the system's own programs under a path or a plain word."""
    return not process.startswith("/") and "." in process and "hardware." not in process


@dataclass(frozen=True, slots=True)
class _Window:
    """What happened since `start` on the phone's clock."""

    start: datetime
    now: datetime
    tags: list[str] | None
    events: list[dict[str, str]] | None

    def count(self, *tags: str) -> int:
        """How many drop box entries have one of those tags."""
        return sum(tag in tags for tag in self.tags or ())


def _window(box: Heard, log: Heard, clock: Heard, hours: int) -> _Window | None:
    now = _time(clock.get("local") or "")
    if now is None:
        return None
    start = now - timedelta(hours=hours)
    entries, events = box.get("entries"), log.get("events")
    tags = None
    if entries is not None:
        tags = [entry["tag"] for entry in entries if (moment := _time(entry["time"])) and moment >= start]
    if events is not None:
        events = [event for event in events if (moment := _log_time(event["time"], now)) and moment >= start]
    return _Window(start, now, tags, events)


_SYSTEM_TAGS = ("system_server_crash", "system_server_native_crash", "system_server_watchdog")
_PANIC_TAGS = ("APANIC_CONSOLE", "SYSTEM_KERNEL_PANIC")


def _system_crashes(window: _Window) -> tuple[int, str]:
    """Crashes of the system and of driver services (not of apps), by the source that saw more of them."""
    counts: list[tuple[int, str]] = []
    if window.tags is not None:
        tombstones = window.count("SYSTEM_TOMBSTONE") or window.count("SYSTEM_TOMBSTONE_PROTO")
        of_apps = window.count("data_app_native_crash", "system_app_native_crash")
        counts.append((max(0, tombstones - of_apps) + window.count(*_SYSTEM_TAGS), "dumpsys dropbox"))
    if window.events is not None:
        counts.append((sum(not _is_app(event["process"]) for event in window.events), "logcat -b crash"))
    most = max(count for count, _ in counts)
    return most, ", ".join(f"{source}: {count}" for count, source in counts)


#: Words of abnormal starts in boot reasons (AOSP system/core/bootstat, kBootReasonMap).
_ABNORMAL = ("panic", "watchdog", "wdog", "oops", "undervoltage", "thermal", "overheat", "hw_reset", "dump")


def _is_abnormal(reason: str) -> bool:
    return any(word in reason.lower() for word in _ABNORMAL)


def _panics(props: dict[str, str], clock: Heard, hours: int) -> int:
    """How many starts of the kept history, within the last hours, followed a panic or a watchdog."""
    since = int(clock.get("epoch_s") or 0) - 3600 * hours
    count = 0
    for line in props.get("persist.sys.boot.reason.history", "").splitlines():
        reason, _, epoch = line.rpartition(",")
        count += _is_abnormal(reason) and (integer(epoch) or 0) >= since
    return count


def _suspects(events: list[dict[str, str]]) -> tuple[str, ...]:
    """`part: process` of every crashed driver service whose part is known, each once."""
    named = (event["process"] for event in events if not _is_app(event["process"]))
    return tuple(dict.fromkeys(f"{part}: {process}" for process in named if (part := suspect_part(process))))


def _boot(said: Heard) -> Iterator[Reading]:
    reason = said.get("boot_reason")
    source = "getprop ro.boot.bootreason"
    if not reason:
        yield from (Unread(name, NOT_SAID, source) for name in ("boot_reason", "abnormal_boot"))
        return
    yield Measurement("boot_reason", as_value(reason), source)
    yield Measurement("abnormal_boot", _is_abnormal(reason), source)


_NO_CLOCK = Words(
    "the phone's clock could not be read, so new and old cannot be told apart ({why})",
    "无法读取手机时间，不能区分新旧记录（{why}）",
)


def _counted(window: _Window, panics: int, log: Heard) -> Iterator[Reading]:
    crashed, source = _system_crashes(window)
    panics = max(panics, window.count(*_PANIC_TAGS))
    yield Measurement("kernel_panics", Decimal(panics), "getprop persist.sys.boot.reason.history, dumpsys dropbox")
    yield Measurement("new_crashes", Decimal(crashed + panics), f"{source}, kernel panics: {panics}")
    if window.tags is not None:
        apps = window.count("data_app_crash", "system_app_crash", "data_app_native_crash", "system_app_native_crash")
        yield Measurement("app_crashes", Decimal(apps), "dumpsys dropbox")
        yield Measurement("app_anrs", Decimal(window.count("data_app_anr", "system_app_anr")), "dumpsys dropbox")
    if window.events is None:
        yield Unread("hal_deaths", log.reason("events"), log.source)
        return
    deaths = [event for event in window.events if event["kind"] == "native" and _is_service(event["process"])]
    yield Measurement("hal_deaths", Decimal(len(deaths)), log.source)
    if suspects := _suspects(window.events):
        yield Measurement("suspects", as_value(suspects), log.source)


@probe(
    "android.crashes",
    needs=Shell,
    reads=(getprop.READ, CLOCK, DROPBOX, CRASH_LOG),
    measures={
        "new_crashes": "1",
        "hal_deaths": "1",
        "kernel_panics": "1",
        "app_crashes": "1",
        "app_anrs": "1",
        "suspects": LIST,
        "boot_reason": TEXT,
        "abnormal_boot": FLAG,
    },
)
async def crashes(bench: Bench, *, window_h: int = 24) -> AsyncIterator[Reading]:
    """Crashes of the system and of driver services in the last hours, and the parts they point to.

    Settings: `window_h`, how many hours back a crash counts as new, on the phone's own clock.
    """
    said = hear(bench, getprop.READ, getprop.getprop)
    props, _, _ = getprop.properties(bench.answer(getprop.READ.name).stdout)
    clock = hear_second(bench, CLOCK, phone_clock, "date")
    box, log = hear_second(bench, DROPBOX, dropbox), hear_second(bench, CRASH_LOG, crash_log)
    for found in _boot(said):
        yield found
    window = _window(box, log, clock, window_h)
    if window is None or (window.tags is None and window.events is None):
        why = clock.reason("local")
        no_clock = Words(_NO_CLOCK.en.format(why=why.en), _NO_CLOCK.zh.format(why=why.zh))
        reason = no_clock if window is None else box.reason("entries")
        for name in ("new_crashes", "hal_deaths", "kernel_panics"):
            yield Unread(name, reason, clock.source if window is None else box.source)
        return
    for found in _counted(window, _panics(props, clock, window_h), log):
        yield found
