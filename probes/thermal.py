"""How warm the phone is inside and whether it slows itself down for it, at rest on the bench.

The thermal service tells it (Android 10 and later), before that the hardware properties (7 to 9), and kernel zones
where the maker leaves them readable. No load is put on the phone. What is too hot is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

from drivers.api import Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear_second, unread
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.hardware_properties import READ as READ_PROPERTIES
from probes.hardware_properties import hardware_properties
from probes.thermal_dump import READ_SERVICE, READ_ZONES, STATUS_WORDS, TYPES, thermal_zones, thermalservice
from probes.units import LIST, TEXT

__all__ = ["thermal"]

_CPU, _GPU, _BATTERY, _SKIN = 0, 1, 2, 3
#: Sensors of the thermal service that hold no temperature: the battery's voltage, current and charge.
_NO_TEMPERATURE = (6, 7, 8)
#: What no part of a phone on a bench reads; 0 and below -30 are sensors that don't answer (AOSP uses NaN and 0).
_PLAUSIBLE = (Decimal("0.5"), Decimal(150))

_NO_SENSOR = Words("the phone lists no such sensor", "手机未列出该传感器")
_OVERRIDDEN = Words(
    "the throttling status was overridden by hand (cmd thermalservice override-status); restart the phone",
    "降频状态已被命令手动覆盖，请重启手机",
)
_NO_HISTORY = Words(
    "this Android states no throttling status (Android 10 and later do)", "此安卓版本不提供降频状态（安卓 10 起提供）"
)


def _sensors(service: Heard, *types: int) -> list[dict[str, Any]]:
    return [one for one in service.get("sensors") or () if one["type"] in types]


def _warm(sensor: dict[str, Any]) -> bool:
    value = sensor.get("value")
    return value is not None and _PLAUSIBLE[0] <= value <= _PLAUSIBLE[1]


def _hottest(name: str, service: Heard, kind: int, properties: Heard, fact: str) -> Reading:
    """The hottest sensor of a kind, else what the hardware properties say of it."""
    if warm := [sensor for sensor in _sensors(service, kind) if _warm(sensor)]:
        hottest = max(warm, key=lambda sensor: Decimal(sensor["value"]))
        source = f"{service.source}: {as_value(hottest['name'])}"
        return Measurement(name, _rounded(hottest["value"]), source)
    value = properties.get(fact)
    value = max(value) if isinstance(value, list) else value
    if value is not None and _PLAUSIBLE[0] <= value <= _PLAUSIBLE[1]:
        return Measurement(name, _rounded(value), f"{properties.source}: {fact}")
    why = _NO_SENSOR if service.facts or properties.facts else service.reason("sensors")
    return Unread(name, why, service.source)


def _rounded(value: Any) -> Decimal:
    return Decimal(value).quantize(Decimal("0.1"))


def _throttling(service: Heard) -> Iterator[Reading]:
    source = f"{service.source}: Thermal Status"
    level = service.get("thermal_status")
    if level is None or service.get("status_override"):
        why = _OVERRIDDEN if level is not None else _NO_HISTORY if not service.facts else service.reason("sensors")
        yield from unread(("throttling_level", "throttling"), why, source)
        return
    yield Measurement("throttling_level", Decimal(level), source)
    yield Measurement("throttling", STATUS_WORDS.get(level, f"code {level}"), source)


def _hot_parts(service: Heard, properties: Heard) -> Reading:
    """The parts that are at or over a limit at which the phone itself slows down."""
    sensors = [one for one in service.get("sensors") or () if one["type"] not in _NO_TEMPERATURE]
    if sensors:
        hot = [
            f"{TYPES.get(one['type'], one['type'])} {one['name']}: {STATUS_WORDS.get(one['status'], one['status'])}"
            for one in sensors
            if one["status"] > 0
        ]
        return Measurement("hot_parts", as_value(hot), f"{service.source}: mStatus")
    known: list[tuple[str, Decimal, Decimal]] = []
    for part in ("cpu", "gpu", "battery", "skin"):
        now = properties.get("cpu_temps_C" if part == "cpu" else f"{part}_temp_C")
        limit = properties.get(f"{part}_throttling_C")
        if now is not None and limit is not None:
            known.append((part, max(now) if isinstance(now, list) else now, limit))
    if not known:
        return Unread("hot_parts", service.reason("sensors"), service.source)
    hot = [f"{part}: {now} °C, throttles at {limit} °C" for part, now, limit in known if now >= limit]
    return Measurement("hot_parts", as_value(hot), f"{properties.source}: throttling temperatures")


def _zones(service: Heard, zones: Heard) -> Iterator[Reading]:
    """How many sensors there are, and those that don't answer or read what no phone on a bench has."""
    sensors = [one for one in service.get("sensors") or () if one["type"] not in _NO_TEMPERATURE]
    heard = [one for one in (service if sensors else None, zones if zones.facts else None) if one]
    if not heard:
        yield from unread(("sensors", "silent_sensors", "broken_sensors"), service.reason("sensors"), service.source)
        return
    source = ", ".join(one.source for one in heard)
    silent = [one["name"] for one in sensors if "value" not in one] + list(zones.get("silent_zones") or ())
    broken = [one["name"] for one in sensors if "value" in one and not _warm(one)] + list(zones.get("open_zones") or ())
    yield Measurement("sensors", Decimal(len(sensors) + (zones.get("zones") or 0)), source)
    yield Measurement("silent_sensors", as_value(silent), source)
    yield Measurement("broken_sensors", as_value(broken), source)


@probe(
    "android.thermal",
    needs=Shell,
    reads=(READ_SERVICE, READ_PROPERTIES, READ_ZONES),
    measures={
        "throttling_level": "1",
        "throttling": TEXT,
        "hot_parts": LIST,
        "skin_temperature": "Cel",
        "battery_sensor": "Cel",
        "cpu_temperature": "Cel",
        "gpu_temperature": "Cel",
        "sensors": "1",
        "silent_sensors": LIST,
        "broken_sensors": LIST,
    },
    names={
        "throttling_level": Words("throttling, 0 to 6", "降频级别（0–6）"),
        "throttling": Words("throttling", "降频状态"),
        "hot_parts": Words("parts too hot", "过热部件"),
        "skin_temperature": Words("skin", "表面温度"),
        "battery_sensor": Words("battery sensor", "电池温度传感器"),
        "cpu_temperature": Words("CPU", "处理器温度"),
        "gpu_temperature": Words("GPU", "图形处理器温度"),
        "sensors": Words("sensors", "温度传感器数"),
        "silent_sensors": Words("silent sensors", "无读数的传感器"),
        "broken_sensors": Words("sensors out of range", "读数异常的传感器"),
    },
)
async def thermal(bench: Bench) -> AsyncIterator[Reading]:
    """Throttling status, temperatures by part, sensors that don't answer."""
    service = hear_second(bench, READ_SERVICE, thermalservice)
    properties = hear_second(bench, READ_PROPERTIES, hardware_properties)
    zones = hear_second(bench, READ_ZONES, thermal_zones, "thermal zones")
    for found in _throttling(service):
        yield found
    yield _hot_parts(service, properties)
    yield _hottest("skin_temperature", service, _SKIN, properties, "skin_temp_C")
    yield _hottest("battery_sensor", service, _BATTERY, properties, "battery_temp_C")
    yield _hottest("cpu_temperature", service, _CPU, properties, "cpu_temps_C")
    yield _hottest("gpu_temperature", service, _GPU, properties, "gpu_temp_C")
    for found in _zones(service, zones):
        yield found
