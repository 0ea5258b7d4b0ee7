"""Heat and voltage under load: the processor works for a while, and the phone is looked at every few seconds.

The work comes in short pieces that end by themselves on the phone, so that a pulled cable leaves at most a few seconds
of it; it stops early when something grows too hot. From the step in current and voltage follows the battery's internal
resistance, where the gauge tells both. Knows no limit.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from drivers.api import Command, CommandResult, Shell
from drivers.text import Words
from probes import power_supply
from probes.answers import Heard, hear_live_apart
from probes.api import Bench, Measurement, NotRun, Reading, Unread, probe
from probes.battery_dump import READ_BATTERY, battery_now
from probes.battery_electrical import LEAST_FOR_RESISTANCE_UA, RESISTANCES, cell_millivolts
from probes.thermal_dump import READ_SERVICE, thermalservice
from probes.units import LIST

__all__ = ["load", "work_script"]

#: Seconds of one piece of work, and how long before its end the phone is looked at.
_PIECE_S, _AHEAD_S = 5, 1
#: android.os.Temperature: TYPE_CPU, TYPE_SKIN.
_CPU, _SKIN = 0, 3
#: Celsius that is believed: sensors that are switched off say 0 or less, silicon is off long before 150.
_PLAUSIBLE = (Decimal("0.5"), Decimal(150))
#: Where the work stops whatever was asked for: IEC 62368-1, table 38 (skin), JEITA (battery), and the status at which
#: Android itself calls the device critical (PowerManager.THERMAL_STATUS_CRITICAL).
_STOP_SKIN, _STOP_BATTERY, _STOP_STATUS = Decimal(48), Decimal(45), 4
#: Seconds under load after which the voltage is compared: gauges are renewed one to four times a second, so what they
#: show is the resistance after some ten seconds and never that of the first moment.
_SETTLED_S = 10

_LOOK = (READ_SERVICE, READ_BATTERY, power_supply.READ)
_NOTHING = Words("the phone tells no temperature: {why}", "手机未提供温度：{why}")
_NO_STATUS = Words(
    "this Android states no throttling status (Android 10 and later do)", "此安卓版本不提供降频状态（安卓 10 起提供）"
)
_NO_SENSOR = Words("the phone lists no such sensor", "手机未列出该传感器")
_NO_GAUGE = Words("the gauge does not tell voltage and current together", "电量计未同时提供电压和电流")
_NO_STEP = Words(
    "the current changed by {step} mA alone: too little to tell the resistance from",
    "电流仅变化 {step} 毫安，不足以计算内阻",
)
_NO_RESISTANCE = Words(
    "{value} mΩ is no cell's resistance: the gauge's values don't fit", "{value} 毫欧不合理：电量计数据不一致"
)


def work_script(seconds: int, workers: int) -> str:
    """A line that lets so many processes work for so long in the background, and is itself back a moment earlier."""
    loop = (
        f"( e=$(( $(date +%s) + {seconds} )); while [ $(date +%s) -lt $e ]; do"
        " i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; done ) </dev/null >/dev/null 2>&1 &"
    )
    return f"for n in {' '.join('1' * workers)}; do {loop} done; sleep {max(seconds - _AHEAD_S, 1)}"


@dataclass(frozen=True, slots=True)
class _Look:
    """The phone at one moment, `second` seconds under load; what it does not tell is None."""

    second: int
    status: int | None
    cpu: Decimal | None
    skin: Decimal | None
    cell: Decimal | None
    millivolts: Decimal | None
    current_ua: int | None
    why: Words = field(default=_NO_SENSOR)

    @property
    def too_hot(self) -> bool:
        """Whether the work must stop."""
        hot = (self.skin or 0) >= _STOP_SKIN or (self.cell or 0) >= _STOP_BATTERY
        return hot or (self.status or 0) >= _STOP_STATUS

    @property
    def words(self) -> str:
        """In a line."""
        heat = (("CPU", self.cpu), ("skin", self.skin), ("battery", self.cell))
        parts = [f"{name} {value} °C" for name, value in heat if value is not None]
        parts += [f"{self.millivolts:.0f} mV"] if self.millivolts is not None else []
        parts += [f"status {self.status}"] if self.status is not None else []
        return f"{self.second} s: {', '.join(parts)}"


def _hottest(service: Heard, kind: int) -> Decimal | None:
    sensors = [one for one in service.get("sensors") or () if one["type"] == kind and one.get("value") is not None]
    warm = [Decimal(one["value"]) for one in sensors if _PLAUSIBLE[0] <= one["value"] <= _PLAUSIBLE[1]]
    return max(warm, default=None)


async def _look(second: int, answers: Sequence[CommandResult]) -> _Look:
    service = await hear_live_apart(answers[0], thermalservice, READ_SERVICE.script)
    said = await hear_live_apart(answers[1], battery_now, READ_BATTERY.script)
    supply = await hear_live_apart(answers[2], power_supply.power_supply, "sysfs power_supply")
    cell = said.get("temperature_C")
    micro, current = supply.get("voltage_now_uV"), supply.get("current_now_uA")
    return _Look(
        second=second,
        status=None if service.get("status_override") else service.get("thermal_status"),
        cpu=_hottest(service, _CPU),
        skin=_hottest(service, _SKIN),
        cell=supply.get("temperature_C") if cell is None else cell,
        millivolts=cell_millivolts(micro) if micro else None,
        current_ua=int(current) if current is not None else None,
        why=service.reason("sensors"),
    )


async def _worked(shell: Shell, seconds: int, workers: int, so_far: int) -> _Look:
    """One piece of work, and a look before it ends."""
    work = Command("work", work_script(seconds, workers), timeout_s=seconds + 10.0, limit=4096)
    _, *answers = await shell.batch((work, *_LOOK), deadline_s=seconds + 45.0)
    return await _look(so_far + seconds, answers)


@probe(
    "android.load",
    needs=Shell,
    measures={
        "load_seconds": "s",
        "load_throttling": "1",
        "load_skin": "Cel",
        "load_cpu": "Cel",
        "load_battery": "Cel",
        "load_resistance": "mOhm",
        "load_curve": LIST,
    },
    names={
        "load_seconds": Words("time under load", "负载时长"),
        "load_throttling": Words("throttling under load, 0 to 6", "负载降频级别（0–6）"),
        "load_skin": Words("skin under load", "负载表面温度"),
        "load_cpu": Words("CPU under load", "负载处理器温度"),
        "load_battery": Words("battery under load", "负载电池温度"),
        "load_resistance": Words("resistance by load step", "负载法内阻"),
        "load_curve": Words("curve under load", "负载曲线"),
    },
    unverified=True,
)
async def load(bench: Bench, *, seconds: int = 60, workers: int = 8) -> AsyncIterator[Reading]:
    """Temperatures, throttling and the battery's resistance while the processor works.

    Settings: `seconds` of work at most, in pieces of five; `workers`, how many processes work at once, at most 16.
    """
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    rest = await _look(0, await shell.batch(_LOOK, deadline_s=40.0))
    if rest.cpu is None and rest.skin is None and rest.cell is None:
        raise NotRun(_NOTHING.fill(why=rest.why))
    looks = [rest]
    while looks[-1].second < seconds and not looks[-1].too_hot:
        piece = min(_PIECE_S, seconds - looks[-1].second)
        looks.append(await _worked(shell, piece, max(1, min(workers, 16)), looks[-1].second))
    for reading in _told(looks):
        yield reading


def _told(looks: Sequence[_Look]) -> Iterator[Reading]:
    source = f"{READ_SERVICE.script} under load"
    yield Measurement("load_seconds", Decimal(looks[-1].second), "work in a loop of the phone's shell")
    statuses = [one.status for one in looks if one.status is not None]
    if statuses:
        yield Measurement("load_throttling", Decimal(max(statuses)), source)
    else:
        yield Unread("load_throttling", _NO_STATUS, source)
    heat = {
        "load_skin": [one.skin for one in looks],
        "load_cpu": [one.cpu for one in looks],
        "load_battery": [one.cell for one in looks],
    }
    for name, values in heat.items():
        known = [value for value in values if value is not None]
        yield Measurement(name, max(known), source) if known else Unread(name, looks[-1].why, source)
    yield _resistance(looks)
    yield Measurement("load_curve", tuple(one.words for one in looks), source)


def _resistance(looks: Sequence[_Look]) -> Reading:
    """The step in voltage over the step in current, from rest to the first look at which the voltage has settled."""
    source = "sysfs power_supply: VOLTAGE_NOW and CURRENT_NOW, rest against load"
    rest, loaded = looks[0], next((one for one in looks if one.second >= _SETTLED_S), None)
    if loaded is None or None in (rest.millivolts, rest.current_ua, loaded.millivolts, loaded.current_ua):
        return Unread("load_resistance", _NO_GAUGE, source)
    volts = Decimal(loaded.millivolts or 0) - Decimal(rest.millivolts or 0)
    step = (loaded.current_ua or 0) - (rest.current_ua or 0)
    if abs(step) < LEAST_FOR_RESISTANCE_UA:
        return Unread("load_resistance", _NO_STEP.fill(step=round(abs(step) / 1000)), source)
    value = (abs(volts) * 1_000_000 / abs(step)).quantize(Decimal(1))
    if not RESISTANCES[0] <= value <= RESISTANCES[1]:
        return Unread("load_resistance", _NO_RESISTANCE.fill(value=value), source)
    return Measurement("load_resistance", value, source)
