"""Whether a check makes sense: its limits in themselves, and all of it against the probe that it names.

Every rule gives its own problem, so that an author sees all of them at once. Pure functions of models and the registry
of probes; files and their lines are the loader's business.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from inspect import Parameter
from typing import Any

from pydantic import TypeAdapter, ValidationError

from checklists.problems import Path, did_you_mean, explain, join
from checklists.schema import Check, Limit, LimitValue
from checklists.toml import plain_problems
from drivers.text import Words
from probes.api import Probe
from probes.units import FLAG, IDENTITY, KINDS, LIST, UNITS, is_number, symbol

__all__ = [
    "keyword_arguments",
    "limit_problems",
    "limits_problems",
    "measure_problems",
    "missing_settings",
    "probe_problems",
    "setting_problems",
]

Found = tuple[Path, Words]


# --- limits in themselves --------------------------------------------------------------------------------------------


def limits_problems(limits: Iterable[tuple[int, Limit]]) -> Iterator[Found]:
    """What is wrong with limits, each with its place, whatever probe they are for; a path starts with the place."""
    seen = Counter[str]()
    for at, limit in limits:
        yield from (((at, *path), what) for path, what in limit_problems(limit))
        if seen[limit.measure]:
            yield (at, "measure"), _TWO_LIMITS.fill(name=limit.measure)
        seen[limit.measure] += 1


def limit_problems(limit: Limit) -> Iterator[Found]:
    """What is wrong with one limit in itself."""
    if limit.unit in UNITS or limit.unit in KINDS:
        yield from _value_problems(limit)
    else:
        yield ("unit",), join(_NO_UNIT.fill(unit=limit.unit), _meant_unit(limit.unit))
    yield from _band_problems(limit)
    yield from _relative_problems(limit)
    if not (limit.bounds or limit.equals is not None or limit.one_of is not None or limit.equals_baseline):
        yield (), _DEMANDS_NOTHING
    if limit.equals is not None and (limit.bounds or limit.one_of is not None):
        yield ("equals",), _EQUALS_AND_MORE


def _band_problems(limit: Limit) -> Iterator[Found]:
    """Numbers in their order: min <= warn_min <= warn_max <= max."""
    low, high, warn_low, warn_high = limit.min, limit.max, limit.warn_min, limit.warn_max
    if low is not None and high is not None and low > high:
        yield ("min",), _MIN_ABOVE_MAX.fill(low=low, high=high)
    if warn_low is not None and warn_high is not None and warn_low > warn_high:
        yield ("warn_min",), _WARN_MIN_ABOVE_MAX.fill(low=warn_low, high=warn_high)
    for key, value in (("warn_min", warn_low), ("warn_max", warn_high)):
        if value is None:
            continue
        if low is not None and value < low:
            yield (key,), _WARN_BELOW.fill(value=value, limit=low)
        if high is not None and value > high:
            yield (key,), _WARN_ABOVE.fill(value=value, limit=high)


def _meant_unit(unit: str) -> Words:
    """The code of a unit that was written as people write it, else the nearest one."""
    written = [code for code in UNITS if symbol(code) == unit]
    return did_you_mean(written[0] if written else unit, (*UNITS, *KINDS))


def _value_problems(limit: Limit) -> Iterator[Found]:
    """Numbers, `equals` and `one_of` of the kind that the unit says."""
    for key in limit.bounds if not is_number(limit.unit) else ():
        yield (key,), _NOT_A_NUMBER.fill(name=limit.measure, unit=limit.unit)
    if limit.equals is not None:
        if limit.unit == LIST:
            yield ("equals",), _LIST_EQUALS
        elif limit.unit == IDENTITY:
            yield ("equals",), _IDENTITY_EQUALS
        elif not _fits(limit.equals, limit.unit):
            yield ("equals",), _WRONG_KIND.fill(name=limit.measure, kind=_KIND[_kind(limit.unit)])
    if limit.one_of is None:
        return
    if not limit.one_of and limit.unit != LIST:
        yield ("one_of",), _EMPTY_ONE_OF
    if limit.unit == IDENTITY:
        yield ("one_of",), _IDENTITY_EQUALS
    for at, value in enumerate(limit.one_of):
        if limit.unit != IDENTITY and not _fits(value, limit.unit):
            yield ("one_of", at), _WRONG_KIND.fill(name=limit.measure, kind=_KIND[_kind(limit.unit)])
        if value in limit.one_of[:at]:
            yield ("one_of", at), _TWICE


def _relative_problems(limit: Limit) -> Iterator[Found]:
    """`relative_to`, `mode`, `equals_baseline`, `baseline` and `uncompared` belong together."""
    if limit.uncompared and not (limit.relative_to and limit.optional):
        yield ("uncompared",), _NEEDS_OPTIONAL
    if limit.relative_to is None:
        for key in ("mode", "equals_baseline", "baseline"):
            if getattr(limit, key):
                yield (key,), _NEEDS_RELATIVE.fill(key=key)
        return
    if limit.bounds and limit.mode is None:
        yield ("relative_to",), _NEEDS_MODE
    if not limit.bounds and not limit.equals_baseline:
        yield ("relative_to",), _RELATIVE_TO_WHAT
    if limit.mode == "ratio":
        for key, number in limit.bounds.items():
            if number <= 0:
                yield (key,), _RATIO_NOT_POSITIVE


def _kind(unit: str) -> str:
    return "number" if is_number(unit) else FLAG if unit == FLAG else "text"


def _fits(value: LimitValue, unit: str) -> bool:
    wanted = {"number": Decimal, FLAG: bool, "text": str}[_kind(unit)]
    return isinstance(value, wanted)


# --- against the probe -----------------------------------------------------------------------------------------------


def probe_problems(check: Check, probe: Probe) -> Iterator[Found]:
    """What a check says of its probe that the probe does not say of itself; settings are judged apart."""
    if probe.asks and not check.person:
        yield ("person",), _ASKS.fill(probe=probe.id)
    if probe.writes and not check.writes:
        yield ("writes",), _WRITES.fill(probe=probe.id, what=probe.writes)
    if not probe.repeatable and check.attempts > 1:
        yield ("attempts",), _NOT_REPEATABLE.fill(probe=probe.id)


def measure_problems(limits: Iterable[tuple[int, Limit]], probe: Probe) -> Iterator[Found]:
    """Limits on what the probe does not measure, or measures in another unit; a path starts with the limit's place."""
    for at, limit in limits:
        unit = probe.measures.get(limit.measure)
        if unit is None:
            what = _NOT_MEASURED.fill(probe=probe.id, name=limit.measure)
            yield (at, "measure"), join(what, did_you_mean(limit.measure, probe.measures))
        elif unit != limit.unit and (limit.unit in UNITS or limit.unit in KINDS):
            yield (at, "unit"), _OTHER_UNIT.fill(name=limit.measure, unit=unit, limit=limit.unit)


def setting_problems(settings: Mapping[str, Any], probe: Probe) -> Iterator[Found]:
    """Settings that the probe does not have, or that are not of its types; a path starts with the setting's name."""
    for name, value in settings.items():
        if any(plain_problems(value)):
            continue  # the loader has told
        known = probe.settings.get(name)
        if known is None:
            what = _NO_SETTING.fill(probe=probe.id, name=name)
            yield (name,), join(what, did_you_mean(name, probe.settings))
            continue
        try:
            ready = _validated(known.annotation, value)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                path, what = explain(one)
                yield (name, *path), what
        else:
            yield from (((name, *path), what) for path, what in _empty_texts(ready))


def missing_settings(settings: Mapping[str, Any], probe: Probe) -> Iterator[Words]:
    """Settings without a default that nothing sets."""
    for setting in probe.settings.values():
        if setting.default is Parameter.empty and setting.name not in settings:
            yield _MISSING_SETTING.fill(probe=probe.id, name=setting.name)


def keyword_arguments(probe: Probe, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A check's settings as the keyword arguments that the probe declares: lists as tuples, texts as `Words`.

    Raises:
        ValueError: a setting is not what the probe takes; `load_checklist` with the registry would have told before.
    """
    unknown = set(settings) - set(probe.settings)
    if unknown:
        raise ValueError(f"{probe.id} has no setting {', '.join(sorted(unknown))}")
    return {name: _validated(probe.settings[name].annotation, value) for name, value in settings.items()}


def _validated(annotation: Any, value: object) -> object:
    """The value as that type. Read strictly as JSON, where a list may be a tuple but a text is never a number."""
    text = json.dumps(value, default=_json_number)
    adapter: TypeAdapter[object] = TypeAdapter(annotation)
    return adapter.validate_json(text, strict=True, extra="forbid")


def _json_number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not plain data")


def _empty_texts(value: object, path: Path = ()) -> Iterator[Found]:
    """`Words` of which a language is empty, anywhere inside a setting."""
    if isinstance(value, Words):
        for lang, text in value._asdict().items():
            if not text.strip():
                yield (*path, lang), _EMPTY_TEXT[lang]
    elif is_dataclass(value):
        for one in fields(value):
            yield from _empty_texts(getattr(value, one.name), (*path, one.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _empty_texts(item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            yield from _empty_texts(item, (*path, at))


# --- words -----------------------------------------------------------------------------------------------------------

_KIND = {
    "number": Words("a number", "数字"),
    FLAG: Words("true or false", "true 或 false"),
    "text": Words("a text", "文本"),
}
_EMPTY_TEXT = {
    "en": Words("the English text is empty", "英文文本为空"),
    "zh": Words("the Chinese text is empty", "中文文本为空"),
}
_TWO_LIMITS = Words("{name} has a limit already", "{name} 已有判定标准")
_NO_UNIT = Words("no unit is called {unit}", "没有名为 {unit} 的单位")
_DEMANDS_NOTHING = Words(
    "demands nothing: give min, max, warn_min, warn_max, equals, one_of or equals_baseline",
    "未规定任何要求：请给出 min、max、warn_min、warn_max、equals、one_of 或 equals_baseline",
)
_EQUALS_AND_MORE = Words("equals can't stand beside other demands", "equals 不能与其他要求并用")
_MIN_ABOVE_MAX = Words("min {low} is above max {high}", "min {low} 大于 max {high}")
_WARN_MIN_ABOVE_MAX = Words("warn_min {low} is above warn_max {high}", "warn_min {low} 大于 warn_max {high}")
_WARN_BELOW = Words(
    "the warn band lies outside the limits: {value} is below min {limit}", "预警范围超出限值：{value} 小于 min {limit}"
)
_WARN_ABOVE = Words(
    "the warn band lies outside the limits: {value} is above max {limit}", "预警范围超出限值：{value} 大于 max {limit}"
)
_NOT_A_NUMBER = Words("{name} is a {unit}, which has no numeric limits", "{name} 的类型为 {unit}，不能设数值限值")
_LIST_EQUALS = Words(
    "a list is judged with one_of: every item must be one of them", "列表用 one_of 判定：每一项都须在其中"
)
_IDENTITY_EQUALS = Words(
    'an identity is judged with equals_baseline and relative_to = "ticket" only',
    '身份信息只能用 equals_baseline 和 relative_to = "ticket" 判定',
)
_WRONG_KIND = Words("{name} needs {kind} here", "{name} 此处的类型应为 {kind}")
_EMPTY_ONE_OF = Words("allows nothing, so nothing could ever pass", "没有任何允许值，永远无法合格")
_TWICE = Words("stands here twice", "重复")
_NEEDS_RELATIVE = Words("{key} needs relative_to", "{key} 需要同时给出 relative_to")
_NEEDS_MODE = Words(
    'numbers with relative_to need mode = "ratio" or "delta"', 'relative_to 的数值需要 mode = "ratio" 或 "delta"'
)
_NEEDS_OPTIONAL = Words("uncompared is for an optional limit with relative_to", "此键仅用于带 relative_to 的可选限值")
_RELATIVE_TO_WHAT = Words(
    "relative_to needs numbers with a mode, or equals_baseline = true",
    "relative_to 需要带 mode 的数值，或 equals_baseline = true",
)
_RATIO_NOT_POSITIVE = Words("a ratio must be above 0", "比例必须大于 0")
_ASKS = Words("{probe} asks a person: person = true is needed", "{probe} 需要人工操作：应写 person = true")
_WRITES = Words(
    "{probe} changes the phone ({what}): writes = true is needed", "{probe} 会改动手机（{what}）：应写 writes = true"
)
_NOT_REPEATABLE = Words(
    "{probe} must not be repeated without asking: attempts = 1 is needed", "{probe} 不得自动重复：应写 attempts = 1"
)
_NOT_MEASURED = Words("{probe} does not measure {name}", "{probe} 不测量 {name}")
_OTHER_UNIT = Words(
    "{name} is measured in {unit}, the limit says {limit}", "{name} 的单位是 {unit}，而限值写的是 {limit}"
)
_NO_SETTING = Words("{probe} has no setting {name}", "{probe} 没有名为 {name} 的设置")
_MISSING_SETTING = Words("{probe} needs the setting {name}", "{probe} 需要设置 {name}")
