"""What a factory-reset phone with Android 16 or later says of itself in trade-in mode, before anything is set up.

`tradeinmode getstatus` is the only command that adbd lets through then: no authorisation, no batch, no file. It is
asked alone for that reason. What is good enough is judged elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from drivers.api import CommandResult, Shell
from drivers.text import Words
from drivers.trade_in import GET_STATUS, STATUS_LIMIT, object_in
from probes.answers import NOT_SAID, Heard, reading, why_nothing
from probes.apart import apart
from probes.api import Bench, Measurement, NotApplicable, NotRun, Parsed, Problem, Reading, parser, probe
from probes.battery_dates import day
from probes.battery_dump import HEALTH_WORDS
from probes.captured import note, plain_text
from probes.units import FLAG, IDENTITY, LIST, TEXT

__all__ = ["trade_in", "trade_in_status"]

#: Seconds after which a phone that has just started and isn't ready is asked again.
_PAUSE_S = 1.0
#: Nothing in a status is longer; a longer text is nonsense.
_MOST_TEXT, _MOST_ITEMS = 200, 64

_KNOWN = frozenset(
    (
        *("attestation", "battery", "storage", "hinge", "screen", "sensors", "launch_level", "locks", "product"),
        *("imeis", "serial"),
    )
)

_UNREADABLE = Words("could not be read: {why}", "无法读取：{why}")
_NO_MODE = Words(
    "this phone has no trade-in mode; Android 16 and later have it", "此手机没有以旧换新模式；安卓 16 及以上才有"
)
_NOT_IN_IT = Words(
    "the phone gave no trade-in status: {why}. It gives one only after a factory reset, before it is set up, without a "
    "SIM card and without Wi-Fi",
    "手机未给出以旧换新状态：{why}。仅在恢复出厂设置后、完成设置前，且无 SIM 卡、未连 Wi-Fi 时提供",
)


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return value if isinstance(value, int) and abs(value) < 10**18 else None


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) and 0 < len(value.strip()) <= _MOST_TEXT else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


#: Where each fact stands (AOSP DeviceDiagnostics, DeviceReportJsonFormatter), and how it is read.
_FACTS: tuple[tuple[str, tuple[str, ...], Callable[[object], Any], str], ...] = (
    ("factory_reset_protection", ("locks", "factory_reset_protection"), _flag, "true or false"),
    ("battery_cycles", ("battery", "cycle_count"), _whole, "a whole number"),
    ("battery_health_pct", ("battery", "health"), _whole, "a whole number"),
    ("battery_state", ("battery", "state"), _whole, "a whole number"),
    ("battery_manufactured", ("battery", "manufacturing_date"), day, "a date"),
    ("battery_first_use", ("battery", "first_usage_date"), day, "a date"),
    ("battery_serial", ("battery", "serial"), _text, "a text"),
    ("battery_serial", ("battery", "serial_number"), _text, "a text"),
    ("battery_part_status", ("battery", "part_status"), _text, "a text"),
    ("storage_life_left_pct", ("storage", "useful_lifetime_remaining"), _whole, "a whole number"),
    ("storage_bytes", ("storage", "capacity_bytes"), _whole, "a whole number"),
    ("moisture_intrusion", ("sensors", "moisture_intrusion"), _flag, "true or false"),
    ("launch_level", ("launch_level",), _whole, "a whole number"),
    ("manufacturer", ("product", "manufacturer"), _text, "a text"),
    ("model", ("product", "model"), _text, "a text"),
    ("device", ("product", "device"), _text, "a text"),
    ("serial", ("serial",), _text, "a text"),
    ("attestation_error", ("attestation", "error"), _text, "a text"),
)


def _at(status: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: object = status
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _tables(status: Mapping[str, Any], path: tuple[str, ...]) -> list[Mapping[str, Any]]:
    found = _at(status, path)
    return [one for one in found[:_MOST_ITEMS] if isinstance(one, Mapping)] if isinstance(found, list) else []


@parser("trade_in")
def trade_in(data: bytes) -> Parsed:
    """The JSON of `tradeinmode getstatus`; dates of 0 are not set, and an unset fact is left out."""
    parsed = Parsed()
    status = object_in(data[: 4 * STATUS_LIMIT].decode("utf-8", "replace"))
    if status is None:
        if data.strip():
            parsed.problems.append(Problem("status", "no whole JSON object", "不是完整的 JSON"))
        return parsed
    for fact, path, read, wanted in _FACTS:
        value = _at(status, path)
        if value is None or (value == 0 and read is day) or fact in parsed.facts:
            continue
        if (known := read(value)) is None:
            note(parsed, fact, str(value), wanted)
        else:
            parsed.facts[fact] = known
    if isinstance(said := status.get("imeis"), list):
        imeis = [one for one in map(_text, said[:_MOST_ITEMS]) if one]
        if imeis:
            parsed.facts["imeis"] = imeis
    screens = [one for table in _tables(status, ("screen", "screens")) if (one := _text(table.get("part_status")))]
    if screens:
        parsed.facts["screens"] = screens
    hinges = [
        {"folded": folded, "rated": rated}
        for table in _tables(status, ("hinge", "hinges"))
        if (folded := _whole(table.get("num_times_folded"))) is not None
        and (rated := _whole(table.get("rated_lifespan"))) is not None
    ]
    if hinges:
        parsed.facts["hinges"] = hinges
    if other := sorted(str(key)[:40] for key in status.keys() - _KNOWN)[:_MOST_ITEMS]:
        parsed.facts["other_keys"] = other
    return parsed


def _is_status(data: bytes) -> bool:
    return object_in(plain_text(data)) is not None


async def _ask(shell: Shell, tries: int) -> CommandResult:
    """The phone's answer; asked again while a phone that has just started has none."""
    for attempt in range(max(1, tries)):
        if attempt:
            await asyncio.sleep(_PAUSE_S)
        result = await shell.run(GET_STATUS, deadline_s=20.0, limit=STATUS_LIMIT)
        if result.failure is not None:
            raise result.failure
        if result.exit_code == 127 or await apart(_is_status, result.stdout):
            break
    return result


def _identities(said: Heard) -> Iterator[Reading]:
    imeis = said.get("imeis") or []
    for at, name in enumerate(("imei1", "imei2")):
        if at < len(imeis):
            yield Measurement(name, imeis[at], f"{said.source}: imeis")
    if said.get("serial"):
        yield reading("serial", said, "serial")


def _wear(said: Heard) -> Iterator[Reading]:
    hinges = [one for one in said.get("hinges") or () if one["rated"] > 0]
    if hinges:
        most = max(Decimal(100 * one["folded"]) / one["rated"] for one in hinges)
        yield Measurement("hinge_wear", most.quantize(Decimal("0.1")), f"{said.source}: hinge")
    if said.get("screens"):
        yield reading("screen_parts", said, "screens")


@probe(
    "android.trade-in-status",
    needs=Shell,
    measures={
        "factory_reset_protection": FLAG,
        "battery_health": "%",
        "cycles": "1",
        "battery_state": TEXT,
        "battery_part_status": TEXT,
        "battery_serial": IDENTITY,
        "first_use": TEXT,
        "manufactured": TEXT,
        "storage_life_left": "%",
        "capacity": "GBy",
        "screen_parts": LIST,
        "hinge_wear": "%",
        "moisture_intrusion": FLAG,
        "launch_level": "1",
        "manufacturer": TEXT,
        "model": TEXT,
        "imei1": IDENTITY,
        "imei2": IDENTITY,
        "serial": IDENTITY,
        "other": LIST,
    },
    names={
        "factory_reset_protection": Words("owner's account lock", "机主账号锁"),
        "battery_health": Words("battery health", "电池健康度"),
        "battery_state": Words("battery state", "电池状态"),
        "battery_part_status": Words("battery, part", "电池部件"),
        "battery_serial": Words("battery serial", "电池序列号"),
        "storage_life_left": Words("storage life left", "存储剩余寿命"),
        "screen_parts": Words("screen, part", "屏幕部件"),
        "hinge_wear": Words("hinge, folds used", "铰链已用次数"),
        "moisture_intrusion": Words("moisture inside", "内部进水"),
        "launch_level": Words("first system (API level)", "出厂系统（API）"),
        "other": Words("also told", "其他信息"),
    },
    unverified=True,
)
async def trade_in_status(bench: Bench, *, tries: int = 2) -> AsyncIterator[Reading]:
    """First look on a reset phone: locks, battery, storage, parts, identity.

    Settings: `tries`, how often a phone that gives no status is asked.
    """
    result = await _ask(bench.capability(Shell), tries)  # type: ignore[type-abstract]  # a protocol is the key
    if result.exit_code == 127:
        raise NotApplicable(_NO_MODE)
    parsed = await apart(trade_in, result.stdout)
    if not parsed.facts:
        raise NotRun(_NOT_IN_IT.fill(why=why_nothing(result)))
    why = {
        problem.what: _UNREADABLE.fill(why=Words(problem.why, problem.why_zh or problem.why))
        for problem in parsed.problems
    }
    said = Heard(GET_STATUS, parsed.facts, {"": NOT_SAID, **why})
    yield reading("factory_reset_protection", said, "factory_reset_protection")
    yield reading("battery_health", said, "battery_health_pct")
    yield reading("cycles", said, "battery_cycles")
    yield reading("battery_state", said, "battery_state", lambda code: HEALTH_WORDS.get(code, f"code {code}"))
    for name in ("battery_part_status", "battery_serial", "moisture_intrusion", "launch_level"):
        yield reading(name, said, name)
    yield reading("first_use", said, "battery_first_use")
    yield reading("manufactured", said, "battery_manufactured")
    yield reading("storage_life_left", said, "storage_life_left_pct")
    yield reading("capacity", said, "storage_bytes", lambda size: (Decimal(size) / 10**9).quantize(Decimal("0.1")))
    for name in ("manufacturer", "model"):
        yield reading(name, said, name)
    for found in (*_wear(said), *_identities(said)):
        yield found
    if said.get("other_keys"):
        yield reading("other", said, "other_keys")
