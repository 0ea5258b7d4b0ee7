"""How much of its capacity the battery still has, by every source that the phone offers.

Sources are never averaged: the most direct one gives `state_of_health` and is named, the others stand beside it, and
`source_spread` shows how far they are apart, `sources_differ` which dates, serials and part statuses don't fit each
other. What is still healthy is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from drivers.api import Shell
from drivers.text import Words
from probes import power_supply
from probes.answers import NOT_SAID, Heard, hear, hear_second, reading
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.battery_dates import day
from probes.battery_dump import (
    READ_BATTERY,
    READ_HEALTH_HAL,
    READ_PROPERTIES,
    READ_STATS,
    battery,
    batteryproperties,
    batterystats,
)
from probes.battery_gauge import (
    POLICIES,
    READ_NODES,
    READ_PROPERTY,
    READ_SWELLING,
    battery_health_nodes,
    battery_nodes,
    battery_property,
)
from probes.units import FLAG, IDENTITY, LIST, TEXT

__all__ = ["battery_health", "health_percent", "hear_health"]

#: Percent of the design capacity. No norm: a new cell has some percent more than is rated, one below a fifth starts no
#: phone, and numbers in different units (mAh and µAh, percent and permille) are a factor of ten or more apart.
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


@dataclass(frozen=True, slots=True)
class _Sources:
    """Everything that speaks of the battery."""

    said: Heard
    hal: Heard
    sysfs: Heard
    stats: Heard
    properties: Heard
    nodes: Heard

    @property
    def claims(self) -> list[_Claim]:
        """Every source's word, the most direct first: what the gauge states, the maker's own, full against design."""
        stated = "state_of_health_pct" if self.sysfs.get("state_of_health_pct") is not None else "health_index_pct"
        file = self.nodes.get("node_soh_pct") or "state of health"
        full, design = "hal_full_charge_uAh", "hal_full_design_uAh"
        learned = ("max_learned_mAh", "power_use_capacity_mAh")
        return [
            _stated("health_property", self.properties, "state_of_health_pct", "STATE_OF_HEALTH"),
            _stated("health_hal_stated", self.hal, "hal_state_of_health_pct", "batteryStateOfHealth"),
            _stated("health_stated", self.sysfs, stated, stated.removesuffix("_pct")),
            _stated("health_maker", self.nodes, "soh_pct", file),
            _stated("health_asoc", self.said, "samsung_asoc_pct", "mSavedBatteryAsoc"),
            _stated("health_bsoh", self.said, "samsung_bsoh_pct", "mSavedBatteryBsoh"),
            _ratio("health_hal", self.hal, (full, design), "full charge / design"),
            _ratio("health_sysfs", self.sysfs, ("charge_full_uAh", "charge_full_design_uAh"), "CHARGE_FULL / DESIGN"),
            _ratio("health_maker_ratio", self.nodes, ("full_mAh", "design_mAh"), "full / design"),
            _ratio("health_learned", self.stats, learned, "max learned / power profile"),
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
#: No cell lives so long; gauges without a count give 65535 and the like.
_MOST_CYCLES = 10_000
_NO_COUNT = Words("the gauge does not count cycles (it says 0)", "电量计不计循环次数（显示 0）")
_USAGE_DOUBT = Words(
    "Samsung's usage counter says {raw}; its unit is in doubt below 1000", "三星使用计数为 {raw}；小于 1000 时单位不明"
)


def _cycles(sources: _Sources) -> Iterator[Reading]:
    """The cycles by the first source that counts, and all of them where there are several."""
    sysfs, hal = sources.sysfs, sources.hal
    counted = [
        (Decimal(count), f"{heard.source}: {words}")
        for heard, fact, words in (
            (sysfs, "cycle_count", "cycle count"),
            (hal, "hal_cycle_count", "cycle count"),
            (hal, "cycle_count", "cycle count"),
            (sources.properties, "cycle_count", "EXTRA_CYCLE_COUNT"),
            (sources.nodes, "cycle_count", str(sources.nodes.get("node_cycle_count"))),
        )
        if (count := heard.get(fact)) is not None and 0 < count < _MOST_CYCLES
    ]
    usage, source = sources.said.get("samsung_usage_raw"), f"{sources.said.source}: mSavedBatteryUsage"
    if usage is not None and usage >= _USAGE_LEAST:
        counted.append((Decimal(usage // 100), f"{source} / 100"))
    if counted:
        yield Measurement("cycles", *counted[0])
    elif usage is not None:
        yield Unread("cycles", _USAGE_DOUBT.fill(raw=usage), source)
    else:
        zero = sysfs.get("cycle_count") == 0
        yield Unread("cycles", _NO_COUNT if zero else sysfs.reason("cycle_count"), sysfs.source)
    if len({count for count, _ in counted}) > 1:
        yield Measurement("cycle_sources", tuple(f"{source}: {count}" for count, source in counted), "all sources")


#: mAh that a phone's or tablet's battery may have. The kernel's ABI is µAh; drivers that print mAh are outside of it.
_CAPACITIES = (Decimal(300), Decimal(30_000))
_CAPACITY_DOUBT = Words(
    "the phone says {raw}, which is no phone battery's capacity in the unit of that source",
    "手机报告 {raw}，按该来源的单位不是合理的电池容量",
)


def _capacity(name: str, options: tuple[tuple[Heard, str, int], ...]) -> Reading:
    """The first capacity that is there, in mAh; an option is a source, its fact, and what divides it into mAh."""
    doubtful: Unread | None = None
    for heard, fact, divisor in options:
        value, source = heard.get(fact), f"{heard.source}: {fact}"
        if value is None or value <= 0:
            continue
        if _CAPACITIES[0] <= (capacity := Decimal(value) / divisor) <= _CAPACITIES[1]:
            return Measurement(name, capacity.quantize(Decimal(1)), source)
        doubtful = doubtful or Unread(name, _CAPACITY_DOUBT.fill(raw=value), source)
    heard, fact, _ = options[0]
    return doubtful or Unread(name, heard.reason(fact), heard.source)


_Options = tuple[tuple[Heard, str], ...]


def _text(name: str, options: _Options) -> Reading:
    heard, fact = next(((heard, fact) for heard, fact in options if heard.get(fact)), options[0])
    return reading(name, heard, fact)


@dataclass(frozen=True, slots=True)
class _Word:
    """What one source says where several may: its name, and the value."""

    source: str
    value: str


def _dates(options: _Options) -> list[_Word]:
    """Every option that is a date; what says that it was never set is passed over."""
    dated = [(f"{heard.source}: {fact}", day(heard.get(fact))) for heard, fact in options]
    return [_Word(source, day_) for source, day_ in dated if day_]


def _texts(options: _Options) -> list[_Word]:
    return [_Word(f"{heard.source}: {fact}", str(heard.get(fact))) for heard, fact in options if heard.get(fact)]


def _day(name: str, options: _Options) -> Reading:
    """The first option that is a date."""
    if told := _dates(options):
        return Measurement(name, told[0].value, told[0].source)
    heard, fact = options[0]
    return Unread(name, heard.reason(fact), heard.source)


#: Sources count the same moment in another time zone, or round it to the day.
_SAME_DAYS = 1


def _same_day(one: str, other: str) -> bool:
    return abs((date.fromisoformat(one) - date.fromisoformat(other)).days) <= _SAME_DAYS


def _same_serial(one: str, other: str) -> bool:
    """Whether two serials are one: sources cut it, pad it, and write it in other letters."""
    first, second = ("".join(sign for sign in text.casefold() if sign.isalnum()) for text in (one, other))
    return first in second or second in first


def _apart(what: str, told: Sequence[_Word], same: Callable[[str, str], bool], *, shown: bool = True) -> Iterator[str]:
    """One line where a source says something else than the first; without the values where they identify a phone."""
    if any(not same(told[0].value, one.value) for one in told[1:]):
        yield f"{what}: " + " ≠ ".join(f"{one.source} {one.value}" if shown else one.source for one in told)


def _differences(sources: _Sources, first_use: _Options, made: _Options, serial: _Options) -> Iterator[Reading]:
    """Where two sources say different things of one battery's dates, serial or origin; nothing where one speaks."""
    told = (_dates(first_use), _dates(made), _texts(serial), _origin(sources))
    if not any(len(one) > 1 for one in told):
        return
    days, days_made, serials, origins = told
    lines = (
        *_apart("first use", days, _same_day),
        *_apart("made", days_made, _same_day),
        *_apart("serial", serials, _same_serial, shown=False),
        *_apart("part", origins, str.__eq__),
    )
    yield Measurement("sources_differ", lines, "all sources of dates, serial and part")


_UNSUPPORTED = Words(
    "the phone's gauge can't tell an original battery from a replaced one", "手机电量计无法区分原装与更换的电池"
)


def _origin(sources: _Sources) -> list[_Word]:
    """Who says that the battery is original or replaced."""
    return [one for one in _texts(_part_options(sources)) if one.value in ("original", "replaced")]


def _part_options(sources: _Sources) -> _Options:
    return ((sources.properties, "part_status"), (sources.hal, "hal_part_status"))


def _part(sources: _Sources) -> Iterator[Reading]:
    """Whether the battery is the one it left the factory with, as far as gauge or maker tell."""
    if told := _origin(sources):
        yield Measurement("part_status", told[0].value, told[0].source)
    else:
        asked = any(heard.get(fact) == "unsupported" for heard, fact in _part_options(sources))
        why = _UNSUPPORTED if asked else sources.properties.reason("part_status")
        yield Unread("part_status", why, sources.properties.source)
    if sources.said.get("samsung_ic_authentication") is not None:
        yield reading("authenticated", sources.said, "samsung_ic_authentication")


def _care(sources: _Sources, swelling: Heard) -> Iterator[Reading]:
    """How the battery is spared while charging, and how long it was both hot and full."""
    mode, threshold = sources.said.get("samsung_protect_mode"), sources.said.get("samsung_protect_threshold_pct")
    policy = sources.properties.get("charging_policy") or POLICIES.get(sources.said.get("charging_policy") or 0)
    if mode and threshold:
        yield Measurement(
            "charging_policy", f"protected to {threshold} %", f"{sources.said.source}: mProtectBatteryMode"
        )
    elif policy:
        yield Measurement("charging_policy", policy, "charging policy")
    if rows := swelling.get("swelling"):
        hottest = max(rows, key=lambda row: (row["temperature_C"], row["charge_pct"]))
        hours = (Decimal(hottest["charging_s"] + hottest["discharging_s"]) / 3600).quantize(Decimal("0.1"))
        where = f"over {hottest['temperature_C']} °C and {hottest['charge_pct']} %"
        yield Measurement("hot_and_full", hours, f"{swelling.source}: {where}")


@probe(
    "android.battery-health",
    needs=Shell,
    reads=(
        READ_BATTERY,
        power_supply.READ,
        READ_HEALTH_HAL,
        READ_PROPERTIES,
        READ_PROPERTY,
        READ_NODES,
        READ_SWELLING,
        READ_STATS,
    ),
    measures={
        "state_of_health": "%",
        "health_property": "%",
        "health_hal_stated": "%",
        "health_stated": "%",
        "health_maker": "%",
        "health_asoc": "%",
        "health_bsoh": "%",
        "health_hal": "%",
        "health_sysfs": "%",
        "health_maker_ratio": "%",
        "health_learned": "%",
        "source_spread": "%",
        "sources": LIST,
        "sources_differ": LIST,
        "cycles": "1",
        "cycle_sources": LIST,
        "full_capacity": "mA.h",
        "design_capacity": "mA.h",
        "technology": TEXT,
        "first_use": TEXT,
        "manufactured": TEXT,
        "battery_serial": IDENTITY,
        "part_status": TEXT,
        "authenticated": FLAG,
        "charging_policy": TEXT,
        "hot_and_full": "h",
    },
    names={
        "health_property": Words("health, Android 14+", "健康度（安卓 14+）"),
        "health_hal_stated": Words("health, HAL stated", "健康度（HAL 报告）"),
        "health_bsoh": Words("health, BSOH", "健康度（三星 BSOH）"),
        "health_maker": Words("health, maker", "健康度（厂商）"),
        "health_maker_ratio": Words("health, maker's full/design", "健康度（厂商容量比）"),
        "sources_differ": Words("sources that differ", "来源不一致"),
        "cycle_sources": Words("cycles by source", "各来源循环次数"),
        "battery_serial": Words("battery serial", "电池序列号"),
        "part_status": Words("part", "部件来源"),
        "authenticated": Words("cell authenticated", "电芯认证"),
        "charging_policy": Words("charging policy", "充电策略"),
        "hot_and_full": Words("time hot and full", "高温满电时长"),
    },
)
async def battery_health(bench: Bench) -> AsyncIterator[Reading]:
    """State of health, cycles, full and design capacity, dates, serial and part from every source that there is."""
    sources = _Sources(
        said=hear(bench, READ_BATTERY, battery),
        hal=hear_health(bench),
        sysfs=hear_second(bench, power_supply.READ, power_supply.power_supply, "sysfs power_supply"),
        stats=hear_second(bench, READ_STATS, batterystats, "dumpsys batterystats"),
        properties=hear_second(bench, READ_PROPERTY, battery_property, "BatteryManager"),
        nodes=hear_second(bench, READ_NODES, battery_nodes, "maker's files"),
    )
    said, hal, sysfs, stats = sources.said, sources.hal, sources.sysfs, sources.stats
    properties, nodes = sources.properties, sources.nodes
    for found in (*_health(sources.claims), *_cycles(sources)):
        yield found
    full = ((sysfs, "charge_full_uAh", 1000), (hal, "hal_full_charge_uAh", 1000), (hal, "full_charge_uAh", 1000))
    yield _capacity("full_capacity", (*full, (nodes, "full_mAh", 1), (stats, "max_learned_mAh", 1)))
    design = ((sysfs, "charge_full_design_uAh", 1000), (hal, "hal_full_design_uAh", 1000), (nodes, "design_mAh", 1))
    yield _capacity("design_capacity", (*design, (stats, "power_use_capacity_mAh", 1)))
    yield _text("technology", ((said, "technology"), (sysfs, "technology")))
    first_use: _Options = (
        *((said, "samsung_first_use"), (properties, "first_use"), (hal, "hal_first_use")),
        (sysfs, "first_usage_date"),
    )
    made: _Options = (
        *((sysfs, "manufacturing_date"), (properties, "manufactured"), (hal, "hal_manufactured")),
        (nodes, "manufactured"),
    )
    serial: _Options = (
        *((properties, "serial"), (hal, "hal_serial"), (sysfs, "serial_number"), (sysfs, "serial_file")),
        (nodes, "serial"),
    )
    yield _day("first_use", first_use)
    # Samsung's calibration date stands in where no source tells the day of making; it is not held against one.
    yield _day("manufactured", (*made, (said, "samsung_llb_cal")))
    yield _text("battery_serial", serial)
    for found in _differences(sources, first_use, made, serial):
        yield found
    swelling = hear_second(bench, READ_SWELLING, battery_health_nodes, "swelling_data")
    for found in (*_part(sources), *_care(sources, swelling)):
        yield found
