"""What crashed on the phone lately, and which parts crashes and error lines of its logs point to.

Crashes are counted in the drop box, which survives a restart, and in the crash log, which names processes. The larger
count stands, both are named. Error lines are those of logcat and, where the phone lets the cable read it, of the
kernel. What counts as too many is judged elsewhere; a suspect is a place to look first, not a proof.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import NOT_SAID, Heard, as_value, hear, hear_second
from probes.api import Bench, Evidence, Measurement, Parsed, Reading, Unread, parser, probe
from probes.captured import decimal, integer, stripped_lines
from probes.crash_evidence import Suspect, as_facts, evidence_of, is_service, merged
from probes.dropbox import crashed_since, dropbox, dropped_since
from probes.kernel_log import dmesg, kernel_lines
from probes.logcat import crash_events, entries, log_evidence, logcat
from probes.units import FLAG, LIST, TEXT

__all__ = ["crash_log", "crashes", "phone_clock", "proc_uptime"]

DROPBOX = Command("dropbox", "dumpsys dropbox", timeout_s=15.0, limit=2 * 1024 * 1024)
CRASH_LOG = Command("crash-log", "logcat -b crash -d -v threadtime", timeout_s=15.0, limit=4 * 1024 * 1024)
CLOCK = Command("clock", "date '+%s %Y-%m-%d %H:%M:%S'", timeout_s=5.0, limit=1024)

#: Texts of what the drop box kept of native crashes and of the kernel's last words before a restart. An entry has to
#: fit every word that is searched for (AOSP DropBoxManagerService.matchEntry), so each tag is asked for by itself.
DROPPED = tuple(
    Command(f"dropped-{name}", f"dumpsys dropbox --print {tag}", timeout_s=15.0, limit=4 * 1024 * 1024)
    for name, tag in (("tombstones", "SYSTEM_TOMBSTONE"), ("kernel", "SYSTEM_LAST_KMSG"))
)
#: One `-b` for each buffer: lists with commas came with Android 7.
ERROR_LOG = Command(
    "error-log", "logcat -b main -b system -d -t 5000 -v threadtime '*:E'", timeout_s=15.0, limit=2 * 1024 * 1024
)
KERNEL_LOG = Command("kernel-log", "dmesg", timeout_s=10.0, limit=2 * 1024 * 1024)
UPTIME = Command("uptime", "cat /proc/uptime", timeout_s=5.0, limit=1024)


@parser("crash_log")
def crash_log(data: bytes) -> Parsed:
    """`logcat -b crash -v threadtime`: every native crash with its process, every uncaught Java exception."""
    parsed = Parsed()
    log = list(entries(data))
    if log or not any(stripped_lines(data)):
        parsed.facts["events"] = crash_events(log)
    return parsed


@parser("proc_uptime")
def proc_uptime(data: bytes) -> Parsed:
    """`/proc/uptime`: seconds since the start, then seconds idle (proc(5))."""
    parsed = Parsed()
    for line in stripped_lines(data):
        words = line.split()
        if (
            len(words) == 2
            and (seconds := decimal(words[0])) is not None
            and seconds >= 0
            and decimal(words[1]) is not None
        ):
            parsed.facts["uptime_s"] = seconds
            break
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


def _window(box: Heard, log: Heard, now: datetime, since: timedelta) -> _Window:
    start = now - since
    entries, events = box.get("entries"), log.get("events")
    tags = None
    if entries is not None:
        tags = [entry["tag"] for entry in entries if (moment := _time(entry["time"])) and moment >= start]
    if events is not None:
        events = [event for event in events if (moment := _log_time(event["time"], now)) and moment >= start]
    return _Window(start, now, tags, events)


_TOMBSTONES = ("SYSTEM_TOMBSTONE", "SYSTEM_TOMBSTONE_PROTO", "SYSTEM_TOMBSTONE_PROTO_WITH_HEADERS")
_SYSTEM_TAGS = ("system_server_crash", "system_server_native_crash", "system_server_watchdog")
_PANIC_TAGS = ("APANIC_CONSOLE", "SYSTEM_KERNEL_PANIC")


def _system_crashes(window: _Window) -> tuple[int, str]:
    """Crashes of the system and of driver services (not of apps), by the source that saw more of them."""
    counts: list[tuple[int, str]] = []
    if window.tags is not None:
        # One crash is kept as text and as one of two binary forms (AOSP BootReceiver).
        tombstones = max(map(window.count, _TOMBSTONES))
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


def _panics(props: dict[str, str], clock: Heard, hours: int) -> int | None:
    """How many starts of the kept history, within the last hours, followed a panic or a watchdog; None without one."""
    if not props.get("persist.sys.boot.reason.history", "").strip():
        return None
    since = int(clock.get("epoch_s") or 0) - 3600 * hours
    count = 0
    for line in props.get("persist.sys.boot.reason.history", "").splitlines():
        reason, _, epoch = line.rpartition(",")
        count += _is_abnormal(reason) and (integer(epoch) or 0) >= since
    return count


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


def _counted(window: _Window, starts: int | None, box: Heard) -> Iterator[Reading]:
    crashed, source = _system_crashes(window)
    panics = max(starts or 0, window.count(*_PANIC_TAGS))
    if starts is None and window.tags is None:  # nobody who would have kept one has spoken
        yield Unread("kernel_panics", box.reason("entries"), box.source)
    else:
        yield Measurement("kernel_panics", Decimal(panics), "getprop persist.sys.boot.reason.history, dumpsys dropbox")
    yield Measurement("new_crashes", Decimal(crashed + panics), f"{source}, kernel panics: {panics}")
    if window.tags is not None:
        apps = window.count("data_app_crash", "system_app_crash", "data_app_native_crash", "system_app_native_crash")
        yield Measurement("app_crashes", Decimal(apps), "dumpsys dropbox")
        yield Measurement("app_anrs", Decimal(window.count("data_app_anr", "system_app_anr")), "dumpsys dropbox")


def _deaths(window: _Window, kept: bytes, log: Heard) -> Reading:
    """Driver services that died, by the source that saw more: the crash log ends with a restart, the drop box stays."""
    dropped = [one for one in crashed_since(kept, f"{window.start:%Y-%m-%d %H:%M:%S}") if is_service(one)]
    if window.events is None and not dropped:
        return Unread("hal_deaths", log.reason("events"), log.source)
    events = [one for one in window.events or () if one["kind"] == "native" and is_service(one["process"])]
    source = f"{log.source}: {len(events)}, {DROPPED[0].script}: {len(dropped)}"
    return Measurement("hal_deaths", Decimal(max(len(events), len(dropped))), source)


def _since(name: str, box: Heard, log: Heard, now: datetime, seconds: Decimal, source: str) -> Measurement:
    """Crashes since something that was so many seconds ago."""
    crashed, counts = _system_crashes(_window(box, log, now, timedelta(seconds=float(seconds))))
    return Measurement(name, Decimal(crashed), f"{source}; {counts}")


#: Longer than any phone has been on; a larger number is nonsense and would not fit a calendar.
_MOST_S = Decimal(10**9)


def _later(bench: Bench, box: Heard, log: Heard, clock: Heard, now: datetime) -> Iterator[Reading]:
    """Crashes since the phone's last start, and since its repair where the ticket knows of one (`repaired_s`)."""
    up = hear_second(bench, UPTIME, proc_uptime)
    seconds = up.get("uptime_s")
    if seconds is None or seconds > _MOST_S:
        yield Unread("since_start", up.reason("uptime_s"), up.source)
    else:
        yield _since("since_start", box, log, now, seconds, up.source)
    repaired = integer(bench.ticket.get("repaired_s", ""))
    if repaired is not None and 0 < (ago := Decimal(int(clock.get("epoch_s")) - repaired)) < _MOST_S:
        yield _since("since_repair", box, log, now, ago, "ticket: repaired")


@dataclass(frozen=True, slots=True)
class _Logs:
    """The raw logs of a window."""

    dropped: Sequence[bytes]
    errors: bytes
    kernel: bytes
    crash: bytes
    start: datetime
    now: datetime

    def suspects(self) -> list[Suspect]:
        """What they point to; kernel lines are since the phone's start, all others since `start`."""
        start = f"{self.start:%Y-%m-%d %H:%M:%S}"
        found = [suspect for dump in self.dropped for suspect in dropped_since(dump, start)]
        found += evidence_of(kernel_lines(self.kernel)).suspects
        log = [*entries(self.errors), *entries(self.crash)]
        new = [one for one in log if (moment := _log_time(one.time, self.now)) and moment >= self.start]
        # A crash is in the drop box and in the crash log: it is the same suspect, shown with the lines of one of them.
        return merged([*log_evidence(new).suspects, *found])


def _named(suspects: Sequence[Suspect], *strengths: str) -> tuple[str, ...]:
    chosen = [one for one in suspects if one.strength in strengths]
    return tuple(dict.fromkeys(f"{one.part}: {one.about or one.rule}" for one in chosen))


def _pointing(bench: Bench, window: _Window) -> Iterator[Reading]:
    """What the logs of the window point to, part by part, and the lines that show it as evidence."""
    kernel, errors = hear_second(bench, KERNEL_LOG, dmesg), hear_second(bench, ERROR_LOG, logcat)
    dropped = [bench.answer(one.name).stdout for one in DROPPED]
    error_log, kernel_log, crash = (bench.answer(one.name).stdout for one in (ERROR_LOG, KERNEL_LOG, CRASH_LOG))
    suspects = _Logs(dropped, error_log, kernel_log, crash, window.start, window.now).suspects()
    read = [one.source for one, fact in ((errors, "lines"), (kernel, "lines")) if one.get(fact) is not None]
    if read:
        errors_of_parts = {one.part for one in suspects if one.strength == "hardware"}
        yield Measurement("part_errors", Decimal(len(errors_of_parts)), ", ".join(read))
    else:
        yield Unread("part_errors", errors.reason("lines"), errors.source)
    source = ", ".join([CRASH_LOG.script, *(one.script for one in DROPPED), *read])
    for name, strengths in (("suspects", ("hardware", "driver")), ("hints", ("hint",))):
        if named := _named(suspects, *strengths):
            yield Measurement(name, as_value(named), source)
    if suspects:
        shown = json.dumps(as_facts(suspects), ensure_ascii=False, indent=1).encode()
        yield Evidence("suspects.json", shown, "application/json")


@probe(
    "android.crashes",
    needs=Shell,
    reads=(getprop.READ, CLOCK, UPTIME, DROPBOX, CRASH_LOG, *DROPPED, ERROR_LOG, KERNEL_LOG),
    measures={
        "new_crashes": "1",
        "hal_deaths": "1",
        "kernel_panics": "1",
        "app_crashes": "1",
        "app_anrs": "1",
        "since_start": "1",
        "since_repair": "1",
        "part_errors": "1",
        "suspects": LIST,
        "hints": LIST,
        "boot_reason": TEXT,
        "abnormal_boot": FLAG,
    },
    names={
        "since_start": Words("crashes since last start", "本次开机后崩溃"),
        "since_repair": Words("crashes since the repair", "维修后崩溃"),
        "part_errors": Words("parts with errors in the log", "日志报错部件"),
        "hints": Words("hints", "线索"),
    },
)
async def crashes(bench: Bench, *, window_h: int = 24) -> AsyncIterator[Reading]:
    """Crashes of the system and of driver services in the last hours, and the parts that the logs point to.

    Settings: `window_h`, how many hours back a crash counts as new, on the phone's own clock.
    """
    said = hear(bench, getprop.READ, getprop.getprop)
    props, _, _ = getprop.properties(bench.answer(getprop.READ.name).stdout)
    clock = hear_second(bench, CLOCK, phone_clock, "date")
    box, log = hear_second(bench, DROPBOX, dropbox), hear_second(bench, CRASH_LOG, crash_log)
    for found in _boot(said):
        yield found
    now = _time(clock.get("local") or "")
    if now is None or (box.get("entries") is None and log.get("events") is None):
        why = clock.reason("local")
        no_clock = Words(_NO_CLOCK.en.format(why=why.en), _NO_CLOCK.zh.format(why=why.zh))
        reason = no_clock if now is None else box.reason("entries")
        for name in ("new_crashes", "hal_deaths", "kernel_panics"):
            yield Unread(name, reason, clock.source if now is None else box.source)
        return
    window = _window(box, log, now, timedelta(hours=window_h))
    for found in _counted(window, _panics(props, clock, window_h), box):
        yield found
    yield _deaths(window, bench.answer(DROPPED[0].name).stdout, log)
    for found in _later(bench, box, log, clock, now):
        yield found
    for found in _pointing(bench, window):
        yield found
