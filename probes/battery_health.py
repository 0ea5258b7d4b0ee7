"""How much of its capacity the battery still has, by every source that the phone offers.

Sources are never averaged: the most direct one gives `state_of_health` and is named, the others stand beside it, and
`source_spread` shows how far they are apart. What is still healthy is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import power_supply
from probes.answers import NOT_SAID, Heard, hear, hear_second, reading
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.battery_dump import READ_BATTERY, READ_HEALTH_HAL, READ_PROPERTIES, battery, batteryproperties, batterystats
from probes.units import LIST, TEXT

__all__ = ["battery_health", "health_percent", "hear_health"]

_STATS = Command(
    "batterystats",
    "dumpsys batterystats --charged | grep -E 'battery capacity:|Estimated power use|Capacity: |upper bound'"
    " || dumpsys batterystats",
    timeout_s=20.0,
    limit=4 * 1024 * 1024,
)

_PLAUSIBLE = (Decimal(20), Decimal(130))
_IMPLAUSIBLE = Words(
    "{full} of {design} would be {percent} %: one of the two is in another unit",
    "{full} 与 {design} 之比为 {percent} %：其中一个数值的单位不对",
)
_OUT_OF_RANGE = Words("the phone says {percent} %, which no battery has", "手机报告 {percent} %，不可能是真实值")


def health_percent(full: Decimal, design: Decimal) -> Decimal:
    """Full charge as a share of the design's, in per cent to two places; `design` is not zero."""
    return (100 * full / design).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one source says of the state of health: a percentage, or why there is none; `in_doubt`: it said nonsense."""

    name: str
    source: str
    percent: Decimal | None
    why: Words = NOT_SAID
    in_doubt: bool = False

    def reading(self, name: str = "") -> Reading:
        """As a measurement under its own name, or under `name`."""
        if self.percent is None:
            return Unread(name or self.name, self.why, self.source)
        return Measurement(name or self.name, self.percent, self.source)


def hear_health(bench: Bench) -> Heard:
    """What the health HAL says, else what the older `batteryproperties` says in its place."""
    hal = hear_second(bench, READ_HEALTH_HAL, batteryproperties, "health HAL")
    return hal if hal.facts else hear_second(bench, READ_PROPERTIES, batteryproperties)


def _stated(name: str, heard: Heard, fact: str, words: str) -> _Claim:
    """A percentage that the phone states itself."""
    source, value = f"{heard.source}: {words}", heard.get(fact)
    if value is None:
        return _Claim(name, source, None, heard.reason(fact))
    if not _PLAUSIBLE[0] <= value <= _PLAUSIBLE[1]:
        return _Claim(name, source, None, _OUT_OF_RANGE.fill(percent=value), in_doubt=True)
    return _Claim(name, source, Decimal(value))


def _ratio(name: str, heard: Heard, facts: tuple[str, str], words: str) -> _Claim:
    """A percentage out of a full and a design capacity of the same source."""
    source = f"{heard.source}: {words}"
    full, design = heard.get(facts[0]), heard.get(facts[1])
    if not full or not design or full < 0 or design < 0:
        missing = facts[0] if not full or full < 0 else facts[1]
        return _Claim(name, source, None, heard.reason(missing))
    percent = health_percent(Decimal(full), Decimal(design))
    if not _PLAUSIBLE[0] <= percent <= _PLAUSIBLE[1]:
        why = _IMPLAUSIBLE.fill(full=full, design=design, percent=percent)
        return _Claim(name, source, None, why, in_doubt=True)
    return _Claim(name, source, percent)


def _claims(said: Heard, hal: Heard, sysfs: Heard, stats: Heard) -> list[_Claim]:
    """Every source's word, the most direct first: what the gauge states, what Samsung saves, full against design."""
    stated = "state_of_health_pct" if sysfs.get("state_of_health_pct") is not None else "health_index_pct"
    return [
        _stated("health_stated", sysfs, stated, stated.removesuffix("_pct")),
        _stated("health_asoc", said, "samsung_asoc_pct", "mSavedBatteryAsoc"),
        _ratio("health_hal", hal, ("hal_full_charge_uAh", "hal_full_design_uAh"), "full charge / design"),
        _ratio("health_sysfs", sysfs, ("charge_full_uAh", "charge_full_design_uAh"), "CHARGE_FULL / DESIGN"),
        _ratio("health_learned", stats, ("max_learned_mAh", "power_use_capacity_mAh"), "max learned / power profile"),
    ]


def _health(claims: list[_Claim]) -> Iterator[Reading]:
    known = [claim for claim in claims if claim.percent is not None]
    doubtful = [claim for claim in claims if claim.in_doubt]
    gauge = [claim for claim in claims if claim.name == "health_sysfs"]
    yield (known + doubtful + gauge)[0].reading("state_of_health")
    for claim in claims:
        yield claim.reading()
    percents = [claim.percent for claim in known if claim.percent is not None]
    if len(percents) > 1:
        yield Measurement("source_spread", max(percents) - min(percents), "highest less lowest of the sources")
        yield Measurement("sources", tuple(f"{claim.source}: {claim.percent} %" for claim in known), "all sources")


#: Below this, Samsung's saved usage may be cycles or hundredths of one (older firmware).
_USAGE_LEAST = 1000
_USAGE_DOUBT = Words(
    "Samsung's usage counter says {raw}; its unit is in doubt below 1000", "三星使用计数为 {raw}；小于 1000 时单位不明"
)


def _cycles(said: Heard, hal: Heard, sysfs: Heard) -> Reading:
    for heard, fact in ((sysfs, "cycle_count"), (hal, "hal_cycle_count"), (hal, "cycle_count")):
        if (count := heard.get(fact)) is not None and count > 0:
            return Measurement("cycles", Decimal(count), f"{heard.source}: cycle count")
    usage = said.get("samsung_usage_raw")
    source = f"{said.source}: mSavedBatteryUsage"
    if usage is None:
        zero = sysfs.get("cycle_count") == 0
        why = Words("the gauge does not count cycles (it says 0)", "电量计不计循环次数（显示 0）")
        return Unread("cycles", why if zero else sysfs.reason("cycle_count"), sysfs.source)
    if usage < _USAGE_LEAST:
        return Unread("cycles", _USAGE_DOUBT.fill(raw=usage), source)
    return Measurement("cycles", Decimal(usage // 100), f"{source} / 100")


def _capacity(name: str, options: tuple[tuple[Heard, str, int], ...]) -> Reading:
    """The first capacity that is there, in mAh; an option is a source, its fact, and what divides it into mAh."""
    for heard, fact, divisor in options:
        value = heard.get(fact)
        if value is not None and value > 0:
            return Measurement(name, (Decimal(value) / divisor).quantize(Decimal(1)), f"{heard.source}: {fact}")
    heard, fact, _ = options[0]
    return Unread(name, heard.reason(fact), heard.source)


def _text(name: str, options: tuple[tuple[Heard, str], ...]) -> Reading:
    heard, fact = next(((heard, fact) for heard, fact in options if heard.get(fact)), options[0])
    return reading(name, heard, fact)


@probe(
    "android.battery-health",
    needs=Shell,
    reads=(READ_BATTERY, power_supply.READ, READ_HEALTH_HAL, READ_PROPERTIES, _STATS),
    measures={
        "state_of_health": "%",
        "health_stated": "%",
        "health_asoc": "%",
        "health_hal": "%",
        "health_sysfs": "%",
        "health_learned": "%",
        "source_spread": "%",
        "sources": LIST,
        "cycles": "1",
        "full_capacity": "mA.h",
        "design_capacity": "mA.h",
        "technology": TEXT,
        "first_use": TEXT,
        "manufactured": TEXT,
    },
)
async def battery_health(bench: Bench) -> AsyncIterator[Reading]:
    """State of health, cycles, full and design capacity from every source that the phone offers."""
    said = hear(bench, READ_BATTERY, battery)
    sysfs = hear_second(bench, power_supply.READ, power_supply.power_supply, "sysfs power_supply")
    hal = hear_health(bench)
    stats = hear_second(bench, _STATS, batterystats, "dumpsys batterystats")
    for found in _health(_claims(said, hal, sysfs, stats)):
        yield found
    yield _cycles(said, hal, sysfs)
    full = ((sysfs, "charge_full_uAh", 1000), (hal, "hal_full_charge_uAh", 1000), (hal, "full_charge_uAh", 1000))
    yield _capacity("full_capacity", (*full, (stats, "max_learned_mAh", 1)))
    design = ((sysfs, "charge_full_design_uAh", 1000), (hal, "hal_full_design_uAh", 1000))
    yield _capacity("design_capacity", (*design, (stats, "power_use_capacity_mAh", 1)))
    yield _text("technology", ((said, "technology"), (sysfs, "technology")))
    yield _text("first_use", ((said, "samsung_first_use"), (sysfs, "first_usage_date")))
    yield _text("manufactured", ((sysfs, "manufacturing_date"), (said, "samsung_llb_cal")))
