"""The battery's voltage, temperature, current and the phone's own health flag, at one moment.

Where the gauge tells the cell's open-circuit voltage, its internal resistance follows from one current, without a load
step. Charging curves are another check. What is normal is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from drivers.api import Shell
from drivers.text import Words
from probes import power_supply
from probes.answers import Heard, hear, hear_second, reading
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.battery_dump import (
    HEALTH_WORDS,
    READ_BATTERY,
    READ_HEALTH_HAL,
    READ_PROPERTIES,
    STATUS_WORDS,
    battery_now,
)
from probes.battery_health import hear_health
from probes.units import FLAG, TEXT

__all__ = ["LEAST_FOR_RESISTANCE_UA", "RESISTANCES", "battery_electrical", "cell_millivolts"]

#: Volts that one cell, or two in a row, can have; by them millivolts and microvolts are told apart without a doubt.
_CELL_V = (Decimal("1"), Decimal("20"))

#: Below this a number that should be microamperes may be milliamperes: a running phone draws more than 10 mA.
_LEAST_UA = 10_000
#: Microamperes. Less makes the difference of the two voltages smaller than what a gauge resolves: 200 mA over some
#: 100 mΩ are 20 mV, and gauges tell millivolts.
LEAST_FOR_RESISTANCE_UA = 200_000
#: Milliohms that a phone's cell with its protection can have, wide on purpose: what is outside is a unit or a sign.
RESISTANCES = (Decimal(10), Decimal(1500))
_NO_OCV = Words(
    "the gauge does not tell the open-circuit voltage; the check “Heat under load” takes the resistance by a load step",
    "电量计未提供开路电压；可用“负载发热”检测以负载法测内阻",
)
_TOO_LITTLE = Words(
    "{current} mA is too little current to tell the resistance from", "电流仅 {current} 毫安，不足以计算内阻"
)
_NO_RESISTANCE = Words(
    "{value} mΩ is no cell's resistance: the gauge's voltages don't fit", "{value} 毫欧不合理：电量计电压不一致"
)
_DOUBT = Words(
    "the phone says {raw}; as microamperes that is too little, so the unit is in doubt",
    "手机报告 {raw}；按微安计过小，单位不明",
)


def _word(words: dict[int, str]) -> Any:
    return lambda code: words.get(code, f"code {code}")


def _current(sysfs: Heard, hal: Heard) -> Reading:
    """In mA, sign as the phone gives it (makers differ in which way is plus).

    The health service prints the same current twice, in uA and in mA: then the unit is sure.
    """
    micro, milli = hal.get("current_now_first"), hal.get("current_now_second")
    source = f"{hal.source}: current now"
    if micro is not None and milli is not None and abs(micro - 1000 * milli) < 1000:
        return Measurement("current", Decimal(micro) / 1000, source)
    raw = sysfs.get("current_now_uA")
    if raw is not None:
        source = f"{sysfs.source}: CURRENT_NOW"
    else:
        raw = micro
    if raw is None:
        return Unread("current", sysfs.reason("current_now_uA"), sysfs.source)
    if 0 < abs(raw) < _LEAST_UA:
        return Unread("current", _DOUBT.fill(raw=raw), source)
    return Measurement("current", Decimal(raw) / 1000, source)


@probe(
    "android.battery-electrical",
    needs=Shell,
    reads=(READ_BATTERY, power_supply.READ, READ_HEALTH_HAL, READ_PROPERTIES),
    measures={
        "voltage": "mV",
        "temperature": "Cel",
        "current": "mA",
        "resistance": "mOhm",
        "level": "%",
        "health": TEXT,
        "status": TEXT,
        "present": FLAG,
    },
    names={"resistance": Words("internal resistance", "内阻")},
)
async def battery_electrical(bench: Bench) -> AsyncIterator[Reading]:
    """Voltage, temperature, current, level and the phone's own health flag."""
    said = hear(bench, READ_BATTERY, battery_now)
    sysfs = hear_second(bench, power_supply.READ, power_supply.power_supply, "sysfs power_supply")
    hal = hear_health(bench)
    yield _voltage(said, sysfs)
    if said.get("temperature_C") is None and sysfs.get("temperature_C") is not None:
        yield reading("temperature", sysfs, "temperature_C", words="TEMP")
    else:
        yield reading("temperature", said, "temperature_C", words="temperature")
    yield _current(sysfs, hal)
    yield _resistance(sysfs)
    yield _level(said)
    yield reading("health", said, "health", _word(HEALTH_WORDS))
    yield reading("status", said, "status", _word(STATUS_WORDS))
    yield reading("present", said, "present")


def _resistance(sysfs: Heard) -> Reading:
    """Open-circuit less terminal voltage by the current of the same moment."""
    source = f"{sysfs.source}: (VOLTAGE_OCV - VOLTAGE_NOW) / CURRENT"
    open_uv, now_uv = sysfs.get("voltage_ocv_uV"), sysfs.get("voltage_now_uV")
    current = sysfs.get("current_now_uA")
    if not open_uv or not now_uv or current is None:
        return Unread("resistance", _NO_OCV if sysfs.facts else sysfs.reason("voltage_ocv_uV"), source)
    if abs(current) < LEAST_FOR_RESISTANCE_UA:
        return Unread("resistance", _TOO_LITTLE.fill(current=round(abs(current) / 1000)), source)
    value = (1000 * abs(Decimal(open_uv) - now_uv) / abs(current)).quantize(Decimal(1))
    if not RESISTANCES[0] <= value <= RESISTANCES[1]:
        return Unread("resistance", _NO_RESISTANCE.fill(value=value), source)
    return Measurement("resistance", value, source)


def cell_millivolts(raw: Decimal | int) -> Decimal | None:
    """A battery's voltage as printed, in mV: BatteryService prints mV, the kernel uV, makers also the other.

    None where it is neither: the source is then not believed (Linux, Documentation/power/power_supply_class.rst).
    """
    low, high = _CELL_V
    for per_volt in (1000, 1_000_000):
        if low * per_volt <= raw <= high * per_volt:
            return Decimal(raw) * 1000 / per_volt
    return None


_VOLTAGE_DOUBT = Words(
    "the phone says {raw}, which is no cell's voltage in any unit", "手机报告 {raw}，不是合理的电池电压"
)
_NO_VOLTAGE = Words("the phone says 0 mV: it does not measure its voltage", "手机报告 0 mV：未测量电压")


def _voltage(said: Heard, sysfs: Heard) -> Reading:
    told = (
        (said.get("voltage_mV"), f"{said.source}: voltage"),
        (sysfs.get("voltage_now_uV"), f"{sysfs.source}: VOLTAGE_NOW"),
    )
    for raw, source in told:
        if raw and (millivolts := cell_millivolts(raw)) is not None:
            return Measurement("voltage", millivolts, source)
    doubtful = next(((raw, source) for raw, source in told if raw), None)
    if doubtful is not None:
        return Unread("voltage", _VOLTAGE_DOUBT.fill(raw=doubtful[0]), doubtful[1])
    why = _NO_VOLTAGE if told[0][0] == 0 else said.reason("voltage_mV")
    return Unread("voltage", why, told[0][1])


def _level(said: Heard) -> Reading:
    level, scale = said.get("level"), said.get("scale")
    if level is None or (scale is not None and scale <= 0):
        return Unread("level", said.reason("level"), f"{said.source}: level")
    return Measurement("level", (100 * Decimal(level) / Decimal(scale or 100)).quantize(Decimal(1)), said.source)
