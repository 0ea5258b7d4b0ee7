"""A scripted day of use in minutes, again and again, for faults that come and go.

Each round wakes the phone, opens what a customer opens, writes and reads a little, and lets it sleep; after each the
phone is asked what has gone wrong meanwhile: crashes of the system and of drivers, kernel restarts, the battery gone,
throttling. Rounds of many minutes are ageing (老化). It stands on the shell; how many events are too many is judged
elsewhere. A phone that goes away in between ends the attempt as any lost phone does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from drivers.api import Shell
from drivers.text import Words
from probes.answers import as_value, why_nothing
from probes.apart import apart
from probes.api import Bench, Measurement, NotRun, Reading, Write, probe
from probes.battery_dump import READ_BATTERY, battery_now
from probes.captured import plain_text
from probes.crashes import CRASH_LOG, UPTIME, crash_log, proc_uptime
from probes.thermal_dump import READ_SERVICE, STATUS_WORDS, thermalservice
from probes.units import LIST

__all__ = ["STEPS", "StepName", "usage_scenario"]

StepName = Literal["sleep", "camera", "video", "dial", "page", "recent", "settings", "storage", "sound"]

_FOLDER = "/data/local/tmp/assay-usage"
_HOME = "am start -a android.intent.action.MAIN -c android.intent.category.HOME"
_WAKE = "input keyevent 224"  # KEYCODE_WAKEUP
_SLEEP = "input keyevent 223"  # KEYCODE_SLEEP

#: What each step does on the phone. Nothing is dialled, sent or bought; `_UNDO` takes all of it back.
STEPS: Mapping[StepName, str] = {
    "sleep": f"{_SLEEP}; sleep 1; {_WAKE}",
    "camera": "am start -a android.media.action.STILL_IMAGE_CAMERA",
    "video": "am start -a android.media.action.VIDEO_CAMERA",
    "dial": "am start -a android.intent.action.DIAL",
    "page": "am start -a android.intent.action.VIEW -d about:blank",
    "recent": f"{_HOME}; input keyevent 187",  # KEYCODE_APP_SWITCH
    "settings": "am start -a android.settings.SETTINGS",
    "storage": (
        f"mkdir -p {_FOLDER}; dd if=/dev/urandom of={_FOLDER}/seed bs=65536 count=64 2>/dev/null;"
        f" cp {_FOLDER}/seed {_FOLDER}/copy; sync; cmp {_FOLDER}/seed {_FOLDER}/copy || echo DIFFERS"
    ),
    "sound": "input keyevent 24; input keyevent 25",  # KEYCODE_VOLUME_UP, KEYCODE_VOLUME_DOWN
}
_UNDO = f"{_WAKE}; {_HOME}; rm -rf {_FOLDER}"
_WHAT = Words(
    "apps are opened, the screen goes off and on, the volume up and down, a small file is written",
    "打开应用、开关屏幕、调节音量并写入小文件",
)
#: Seconds that a step may take on a slow phone, beside its pause.
_STEP_S = 6.0
_MARK = "--step "
#: android.os.BatteryManager.BATTERY_HEALTH_OVERHEAT.
_OVERHEAT = 3
#: From here on a phone is slowed down so that people notice (PowerManager.THERMAL_STATUS_SEVERE).
_SEVERE = 3

#: What is asked after each round, in one open, and how it is read.
_ASKED = (UPTIME, CRASH_LOG, READ_BATTERY, READ_SERVICE)
_PARSERS = dict(zip((one.name for one in _ASKED), (proc_uptime, crash_log, battery_now, thermalservice), strict=True))
_NO_LOG = Words(
    "the phone's crash log can't be read ({why}), so nothing could be counted",
    "无法读取手机崩溃日志（{why}），无法计数",
)


class _Steps(NamedTuple):
    """How many steps of a round were done, and in how many a file read back differs."""

    done: int
    differ: int


def _steps(said: bytes) -> _Steps:
    """What the steps of a round printed."""
    parts = plain_text(said).split(_MARK)[1:]
    done = sum("Error" not in part and "Exception" not in part for part in parts)
    return _Steps(done, sum("DIFFERS" in part for part in parts))


@dataclass(slots=True)
class _Day:
    """What was seen so far: the state before the first round, and every event since, each once."""

    uptime_s: Decimal | None = None
    powered: bool = False
    known: set[tuple[str, str]] = field(default_factory=set)
    begun: bool = False
    steps: int = 0
    events: list[str] = field(default_factory=list)

    def look(self, facts: Mapping[str, Mapping[str, Any]], around: str) -> None:
        """Take in what the phone said after a round; what was there before the first is old."""
        up = facts[UPTIME.name].get("uptime_s")
        if up is not None and self.uptime_s is not None and up < self.uptime_s:
            self.events.append(f"{around}: restarted")
        self.uptime_s = up if up is not None else self.uptime_s
        for one in facts[CRASH_LOG.name]["events"]:
            crash = (one["time"], one["process"])
            if self.begun and crash not in self.known:
                self.events.append(f"{around}: {one['process']} crashed")
            self.known.add(crash)
        said = facts[READ_BATTERY.name]
        if said.get("present") is False:
            self.events.append(f"{around}: battery gone")
        on = [said.get(supply) for supply in ("ac", "usb", "wireless", "dock") if said.get(supply) is not None]
        if self.powered and on and not any(on):
            self.events.append(f"{around}: power from the cable lost")
        self.powered = any(on)
        if said.get("health") == _OVERHEAT:
            self.events.append(f"{around}: battery overheats")
        heat = facts[READ_SERVICE.name]
        status = 0 if heat.get("status_override") else heat.get("thermal_status") or 0
        if self.begun and status >= _SEVERE:
            self.events.append(f"{around}: slowed down for heat ({STATUS_WORDS.get(status, status)})")
        self.begun = True

    def used(self, steps: _Steps, around: str) -> None:
        """Take in what came of the steps of a round."""
        self.steps += steps.done
        self.events += [f"{around}: a file read back differs"] * steps.differ


async def _ask(shell: Shell) -> Mapping[str, Mapping[str, Any]]:
    """The facts of each answer, by its name; raises NotRun where nothing can be counted."""
    answers = await shell.batch(_ASKED, deadline_s=50.0)
    for answer in answers:
        if answer.failure is not None:
            raise answer.failure
    said = {answer.name: (await apart(_PARSERS[answer.name], answer.stdout)).facts for answer in answers}
    if said[CRASH_LOG.name].get("events") is None:
        raise NotRun(_NO_LOG.fill(why=why_nothing(next(one for one in answers if one.name == CRASH_LOG.name))))
    return said


@probe(
    "android.usage-scenario",
    needs=Shell,
    measures={"usage_events": "1", "events_seen": LIST, "rounds": "1", "steps_done": "1"},
    names={
        "usage_events": Words("faults seen", "故障次数"),
        "events_seen": Words("faults", "故障"),
        "rounds": Words("rounds", "轮数"),
        "steps_done": Words("steps done", "已执行步骤"),
    },
    writes=Words("opens apps, switches the screen off and on, writes a small file", "打开应用、熄屏亮屏、写入小文件"),
)
async def usage_scenario(
    bench: Bench,
    *,
    steps: tuple[StepName, ...] = (
        "sleep",
        "camera",
        "video",
        "dial",
        "page",
        "recent",
        "settings",
        "storage",
        "sound",
    ),
    rounds: int = 3,
    pause_s: int = 2,
) -> AsyncIterator[Reading]:
    """A day of use in steps, `rounds` times; every fault that the phone notes meanwhile is counted.

    Settings: `steps`, which and in which order; `rounds`, how often, up to 60; `pause_s`, seconds that each step is
    left alone. Ageing is the same with many rounds, long pauses and a longer `deadline_s`.
    """
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    day = _Day()
    day.look(await _ask(shell), "before")
    script = "; ".join(f"echo {_MARK}{step}; {STEPS[step]} 2>&1; sleep {pause_s}" for step in steps)
    for number in range(1, min(rounds, 60) + 1):
        # One way back is enough for all rounds: what they change is the same.
        write = Write("usage", _WHAT, f"{_WAKE}; {script}", _UNDO if number == 1 else ":")
        result = await bench.write(write, deadline_s=len(steps) * (pause_s + _STEP_S) + 5)
        if result.failure is not None:
            raise result.failure
        day.used(await apart(_steps, result.stdout), f"round {number}")
        day.look(await _ask(shell), f"round {number}")
    source = "logcat -b crash, /proc/uptime, dumpsys battery, dumpsys thermalservice"
    yield Measurement("rounds", Decimal(min(rounds, 60)), source)
    yield Measurement("steps_done", Decimal(day.steps), source)
    yield Measurement("usage_events", Decimal(len(day.events)), source)
    if day.events:
        yield Measurement("events_seen", as_value(day.events[:64]), source)
