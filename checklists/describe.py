"""A limit in words, as screens, papers and `assay checklist show` print it. Pure; knows no screen."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from checklists.schema import Limit, LimitValue
from drivers.text import Words
from probes.units import symbol

__all__ = ["BASELINE_WORDS", "describe_limit", "number_text"]

#: What relative limits stand on.
BASELINE_WORDS = {
    "reference": Words("the reference phones", "标准样机"),
    "model": Words("the model card", "机型卡"),
    "intake": Words("intake", "接件检查"),
    "ticket": Words("the ticket", "工单"),
}
_FLAGS = {True: Words("yes", "是"), False: Words("no", "否")}


def number_text(value: Decimal, unit: str = "1") -> str:
    """A number with its unit as people write them; plain digits unless it is absurdly large or small."""
    plain = f"{value:f}" if -20 < value.adjusted() < 20 else str(value)
    return f"{plain} {symbol(unit)}".rstrip()


def describe_limit(limit: Limit) -> Words:
    """What the limit demands, e.g. `≥ 80 %, warn below 85 %`."""
    parts = [
        *_range(limit),
        *_values(limit),
        *([_SAME.fill(where=BASELINE_WORDS[limit.relative_to])] if limit.equals_baseline and limit.relative_to else []),
        *([_WARN_ONLY] if limit.severity == "warn" else []),
        *([_OPTIONAL] if limit.optional else []),
        *([_UNCOMPARED] if limit.uncompared else []),
    ]
    return Words(", ".join(part.en for part in parts), "，".join(part.zh for part in parts))


def _range(limit: Limit) -> Iterable[Words]:
    shown = {key: _bound(limit, number) for key, number in limit.bounds.items()}
    for key, template in (("min", _MIN), ("max", _MAX), ("warn_min", _WARN_MIN), ("warn_max", _WARN_MAX)):
        if key in shown:
            yield template.fill(limit=shown[key])


def _bound(limit: Limit, number: Decimal) -> Words | str:
    if limit.mode is None or limit.relative_to is None:
        return number_text(number, limit.unit)
    shown = number_text(number) if limit.mode == "ratio" else f"{number:+f} {symbol(limit.unit)}".rstrip()
    return _BOUND[limit.mode].fill(number=shown, where=BASELINE_WORDS[limit.relative_to])


def _values(limit: Limit) -> Iterable[Words]:
    if limit.equals is not None:
        yield _EQUALS.fill(value=_value(limit.equals, limit.unit))
    if limit.one_of is not None:
        shown = [_value(value, limit.unit) for value in limit.one_of]
        listed = Words(" / ".join(one.en for one in shown), " / ".join(one.zh for one in shown))
        yield _ONE_OF.fill(values=listed) if shown else _NONE


def _value(value: LimitValue, unit: str) -> Words:
    if isinstance(value, bool):
        return _FLAGS[value]
    text = number_text(value, unit) if isinstance(value, Decimal) else value
    return Words(text, text)


_MIN = Words("≥ {limit}", "≥ {limit}")
_MAX = Words("≤ {limit}", "≤ {limit}")
_WARN_MIN = Words("warn below {limit}", "低于 {limit} 预警")
_WARN_MAX = Words("warn above {limit}", "高于 {limit} 预警")
_EQUALS = Words("= {value}", "= {value}")
_ONE_OF = Words("one of {values}", "允许 {values}")
_NONE = Words("none", "不得有")
_SAME = Words("same as {where}", "与{where}一致")
_WARN_ONLY = Words("warns only", "仅预警")
_OPTIONAL = Words("if it can be had", "能测得时判定")
_UNCOMPARED = Words("not compared is no pass", "未对比则不判合格")
_BOUND = {
    "ratio": Words("{number} × {where}", "{where}的 {number} 倍"),
    "delta": Words("{where} {number}", "{where} {number}"),
}
