"""From a measurement to a verdict: pure functions of a limit, a value and what the value is compared with.

Arithmetic is exact decimal. What could not be read, compared or understood is `none` with its reason, never a pass and
never a fail; only a value that was really seen outside its limit fails. Nothing here knows a phone, a person or a
record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from typing import NamedTuple

from checklists.describe import BASELINE_WORDS, number_text
from checklists.reference.robust import Spread, is_outside
from checklists.schema import Check, Limit
from checklists.verdict import Verdict, worst
from drivers.text import Words
from probes.api import Measurement, Unread, Value
from probes.captured import decimal
from probes.names import name_words
from probes.units import FLAG, IDENTITY, LIST, TEXT, is_number

__all__ = ["Baselines", "CheckVerdict", "Judged", "judge_check", "judge_measurement"]

#: What relative limits stand on, for one check: by kind (`reference`, `model`, `intake`, `ticket`), then by name.
Baselines = Mapping[str, Mapping[str, Value]]

# Wide enough that products and sums of two numbers of the records' profile (16 digits, 10^±18) are exact; an overflow
# gives an infinity, which is then refused, instead of an exception.
_EXACT = Context(prec=100, traps=[])


class Judged(NamedTuple):
    """One measurement as judged.

    Attributes:
        measure: the measurement's name.
        limit: what it was judged against; None means that no limit applies (`info`).
        verdict: `pass`, `warn`, `fail`, `info`, or `none` when it could not be judged.
        reason: why, for everything but `pass` and `info`. Never holds an identity.
        baseline: the baseline's value, for a relative limit that found one.
    """

    measure: str
    limit: Limit | None
    verdict: Verdict
    reason: Words | None = None
    baseline: Value | None = None


class CheckVerdict(NamedTuple):
    """What a completed attempt says of the phone: `finding` is the fault code of a fail, else None."""

    verdict: Verdict
    reason: Words | None
    finding: str | None


class _Undecided(Exception):
    """The value cannot be judged, for a reason."""

    def __init__(self, reason: Words) -> None:
        super().__init__(reason.en)
        self.reason = reason


def judge_measurement(
    limit: Limit | None, measurement: Measurement, unit: str, baselines: Baselines, spread: Spread | None = None
) -> Judged:
    """Judge one measurement.

    Args:
        limit: the check's limit for this measurement, None when it has none.
        measurement: as the probe gave it.
        unit: the unit or kind that the probe declares for it.
        baselines: what relative limits stand on.
        spread: what good units of the model lie in, in `unit`; None where that is not known. A value farther out
            warns where it would have passed or only been told; a fail, a warning and what can't be judged stay.
    """
    return _beside(_by_limit(limit, measurement, unit, baselines), measurement.value, unit, spread)


def _beside(judged: Judged, value: Value, unit: str, spread: Spread | None) -> Judged:
    """The verdict once the value was compared with other units of the model."""
    if spread is None or judged.verdict not in (Verdict.PASS, Verdict.INFO):
        return judged
    if not isinstance(value, Decimal) or not is_outside(spread, value):
        return judged
    centre, edge = number_text(spread.centre, unit), spread.low if value < spread.centre else spread.high
    shown = number_text(edge.quantize(_shown_step(spread), context=_EXACT), unit)
    reason = _OUTLIER.fill(value=_shown(value, unit), n=spread.units, centre=centre, edge=shown)
    return judged._replace(verdict=Verdict.WARN, reason=reason)


def _shown_step(spread: Spread) -> Decimal:
    """The place that an edge is rounded to for people: two digits of the spread."""
    return Decimal(1).scaleb(max(spread.sigma.adjusted() - 1, -18))


def _by_limit(limit: Limit | None, measurement: Measurement, unit: str, baselines: Baselines) -> Judged:
    name = measurement.name
    try:
        value = _readable(measurement.value, unit)
        if limit is None:
            return Judged(name, None, Verdict.INFO)
        baseline = _baseline(limit, unit, baselines)
    except _Undecided as undecided:
        return Judged(name, limit, Verdict.NONE, undecided.reason)
    try:
        verdict, reason = _compare(limit, value, unit, baseline)
    except _Undecided as undecided:
        return Judged(name, limit, Verdict.NONE, undecided.reason, baseline)
    return Judged(name, limit, verdict, reason, baseline)


def judge_check(check: Check, judged: Sequence[Judged], unread: Sequence[Unread]) -> CheckVerdict:
    """Take the judged measurements of one completed attempt together.

    A fail stays a fail. Otherwise every limit that is not optional must have been judged, else the check is `none` with
    the reason. A check without limits is `info` when anything was measured. An outlier among the measurements without a
    limit makes a good check warn. One that would pass is `info` where what it was to be compared with is not known
    (`Limit.uncompared`).
    """
    flagged = [one for one in judged if one.limit is None and one.verdict is Verdict.WARN]
    if not check.limits:
        return _warned(check, _without_limits(judged, unread), flagged)
    found = [_decided(limit, judged, unread) for limit in check.limits]
    failed = [one for one in found if one.verdict is Verdict.FAIL]
    if failed:
        finding = next((one.limit.finding for one in failed if one.limit and one.limit.finding), check.finding)
        return CheckVerdict(Verdict.FAIL, _reasons(check, failed), finding)
    open_ones = [one for one in found if one.verdict is Verdict.NONE]
    needed = [one for one in open_ones if one.limit and not one.limit.optional]
    if needed or len(open_ones) == len(found):
        return CheckVerdict(Verdict.NONE, _reasons(check, needed or open_ones), None)
    verdict = worst(one.verdict for one in found if one.verdict is not Verdict.NONE)
    if verdict is Verdict.PASS and any(one.limit and one.limit.uncompared for one in open_ones):
        verdict = Verdict.INFO
    warned = [*(one for one in found if one.verdict is Verdict.WARN), *flagged]
    return CheckVerdict(Verdict.WARN if flagged else verdict, _reasons(check, warned), None)


def _warned(check: Check, said: CheckVerdict, flagged: Sequence[Judged]) -> CheckVerdict:
    """The verdict of a check without limits, with what other units of the model do not have."""
    return CheckVerdict(Verdict.WARN, _reasons(check, flagged), None) if flagged else said


def _without_limits(judged: Sequence[Judged], unread: Sequence[Unread]) -> CheckVerdict:
    if any(one.verdict is not Verdict.NONE for one in judged):
        return CheckVerdict(Verdict.INFO, None, None)
    reasons = [one.reason for one in judged if one.reason] + [one.reason for one in unread]
    return CheckVerdict(Verdict.NONE, reasons[0] if reasons else _NOTHING, None)


def _decided(limit: Limit, judged: Iterable[Judged], unread: Iterable[Unread]) -> Judged:
    """What the attempt says of one limit; read twice, the worse counts; a value missing once is missing."""
    mine = [one for one in judged if one.measure == limit.measure and one.verdict is not Verdict.INFO]
    failed = [one for one in mine if one.verdict is Verdict.FAIL]
    if failed:
        return failed[0]
    missing = [one.reason for one in unread if one.name == limit.measure]
    if missing or not mine:
        return Judged(limit.measure, limit, Verdict.NONE, missing[0] if missing else _NOT_MEASURED)
    verdict = worst(one.verdict for one in mine)
    return next(one for one in mine if one.verdict is verdict)


def _reasons(check: Check, judged: Sequence[Judged]) -> Words | None:
    """The reasons together; each says which measurement it is about where the check has several limits."""
    parts = [(name_words(one.measure), one.reason) for one in judged if one.reason]
    if not parts:
        return None
    if len(check.limits) == 1:
        return parts[0][1]
    return Words(
        "; ".join(f"{name.en}: {reason.en}" for name, reason in parts),
        "；".join(f"{name.zh}：{reason.zh}" for name, reason in parts),
    )


# --- one value -------------------------------------------------------------------------------------------------------


def _readable(value: Value, unit: str) -> Value:
    """The value, when it is of the declared kind; a number must be finite."""
    if is_number(unit):
        if isinstance(value, Decimal) and value.is_finite():
            return value
    elif unit == FLAG:
        if isinstance(value, bool):
            return value
    elif unit == LIST:
        if isinstance(value, tuple):
            return value
    elif isinstance(value, str):
        return value
    raise _Undecided(_WRONG_KIND.fill(unit=unit))


def _baseline(limit: Limit, unit: str, baselines: Baselines) -> Value | None:
    """The baseline's value where the limit needs one; a missing one leaves the measurement undecided."""
    if limit.unit != unit:
        raise _Undecided(_OTHER_UNIT.fill(measured=unit, limit=limit.unit))
    if limit.relative_to is None:
        return None
    value = baselines.get(limit.relative_to, {}).get(limit.baseline_name)
    where = BASELINE_WORDS[limit.relative_to]
    if value is None or value == "":
        raise _Undecided(_NO_BASELINE.fill(where=where, name=name_words(limit.baseline_name)))
    wanted: tuple[type, ...] = (str, tuple) if unit in (LIST, IDENTITY) else (type(_example(unit)),)
    if limit.equals_baseline and unit != FLAG:
        wanted += (tuple,)
    finite = not isinstance(value, Decimal) or value.is_finite()
    if not isinstance(value, wanted) or not finite:
        raise _Undecided(_BAD_BASELINE.fill(where=where, name=name_words(limit.baseline_name)))
    return value


def _example(unit: str) -> Value:
    return Decimal(0) if is_number(unit) else False if unit == FLAG else ""


def _compare(limit: Limit, value: Value, unit: str, baseline: Value | None) -> tuple[Verdict, Words | None]:
    """Verdict and reason of a readable value; every part of the limit must hold."""
    outside = Verdict.WARN if limit.severity == "warn" else Verdict.FAIL
    for wanted in (*(limit.one_of or ()), *(() if limit.equals is None else (limit.equals,))):
        if unit != LIST and type(wanted) is not type(value):  # to Python 1 equals True; to a reader it does not
            raise _Undecided(_WRONG_KIND.fill(unit=unit))
    if limit.equals_baseline and not _same(value, baseline):
        return outside, _differs(limit, value, unit, baseline)
    if limit.equals is not None and value != limit.equals:
        return outside, _NOT_EQUAL.fill(value=_shown(value, unit), limit=_shown(limit.equals, unit))
    if limit.one_of is not None:
        wrong = [one for one in (value if isinstance(value, tuple) else (value,)) if one not in limit.one_of]
        if wrong:
            return outside, _NOT_ONE_OF.fill(value=_listed(wrong, unit), limit=_listed(limit.one_of, unit))
    if not limit.bounds:
        return Verdict.PASS, None
    if not isinstance(value, Decimal):
        raise _Undecided(_WRONG_KIND.fill(unit=unit))
    return _within(limit, value, unit, baseline, outside)


def _within(
    limit: Limit, value: Decimal, unit: str, baseline: Value | None, outside: Verdict
) -> tuple[Verdict, Words | None]:
    """Fail limits first, then the warn band."""
    bounds = {key: _absolute(limit, number, baseline) for key, number in limit.bounds.items()}
    for key, verdict, words in (
        ("min", outside, _BELOW),
        ("max", outside, _ABOVE),
        ("warn_min", Verdict.WARN, _LOW),
        ("warn_max", Verdict.WARN, _HIGH),
    ):
        bound = bounds.get(key)
        if bound is not None and (value < bound if key.endswith("min") else value > bound):
            shown = _bound_words(limit, limit.bounds[key], bound, unit, baseline)
            return verdict, words.fill(value=_shown(value, unit), limit=shown)
    return Verdict.PASS, None


def _absolute(limit: Limit, number: Decimal, baseline: Value | None) -> Decimal:
    """The bound that a number of the limit means for this phone."""
    if limit.mode is None:
        return number
    if not isinstance(baseline, Decimal):
        raise _Undecided(_WRONG_KIND.fill(unit=limit.unit))
    if limit.mode == "ratio" and baseline <= 0:
        raise _Undecided(_NO_RATIO.fill(where=BASELINE_WORDS[limit.relative_to or "reference"]))
    bound = _EXACT.multiply(number, baseline) if limit.mode == "ratio" else _EXACT.add(number, baseline)
    if not bound.is_finite():
        raise _Undecided(_WRONG_KIND.fill(unit=limit.unit))
    return bound


def _same(value: Value, baseline: Value | None) -> bool:
    """Equal; of a list one item must be the baseline, and every one of a baseline that is a list itself."""
    if isinstance(value, tuple):
        return set(baseline) == set(value) if isinstance(baseline, tuple) else baseline in value
    if isinstance(value, Decimal) and isinstance(baseline, tuple):
        return any(decimal(one) == value for one in baseline)
    return value in baseline if isinstance(baseline, tuple) else value == baseline


# --- words -----------------------------------------------------------------------------------------------------------

_NOTHING = Words("nothing was measured", "没有测到任何数据")
_NOT_MEASURED = Words("it was not measured", "未测得该项")
_WRONG_KIND = Words("the probe gave no usable value ({unit})", "采集程序未给出可用的值（{unit}）")
_OTHER_UNIT = Words("measured in {measured}, but the limit is in {limit}", "实测单位为 {measured}，限值单位为 {limit}")
_NO_BASELINE = Words("{where} has no value for {name} to compare with", "{where}没有可对比的 {name}")
_BAD_BASELINE = Words("the value of {where} for {name} can't be compared with", "{where}的 {name} 无法用于对比")
_NO_RATIO = Words(
    "the value of {where} is zero or below, a ratio to it means nothing", "{where}的值不大于零，无法按比例判定"
)
_DIFFERS = Words("differs from {where}", "与{where}不一致")
_NOT_THE_CARDS = Words("is {value}, {where} says {baseline}", "实测为 {value}，{where}为 {baseline}")
_NOT_EQUAL = Words("is {value}, must be {limit}", "实测为 {value}，应为 {limit}")
_NOT_ONE_OF = Words("is {value}, allowed: {limit}", "实测为 {value}，允许：{limit}")
_BELOW = Words("{value} is below the limit of {limit}", "{value}，低于限值 {limit}")
_ABOVE = Words("{value} is above the limit of {limit}", "{value}，高于限值 {limit}")
_LOW = Words("{value} is inside the limit, but below {limit}", "{value}，未超限，但低于预警值 {limit}")
_HIGH = Words("{value} is inside the limit, but above {limit}", "{value}，未超限，但高于预警值 {limit}")
_OUTLIER = Words(
    "{value} is unlike the {n} reference phones of this model ({centre}, good ones to {edge})",
    "{value}，与同型号 {n} 台标准样机不同（中心 {centre}，良品至 {edge}）",
)
_YES = Words("yes", "是")
_NO = Words("no", "否")
_RELATIVE = {
    "ratio": Words("{bound} ({number} × {baseline} of {where})", "{bound}（{where} {baseline} 的 {number} 倍）"),
    "delta": Words("{bound} ({baseline} of {where}, {number})", "{bound}（{where} {baseline}，{number}）"),
}


def _differs(limit: Limit, value: Value, unit: str, baseline: Value | None) -> Words:
    """What differs; a model card holds no identity and is shown."""
    where = BASELINE_WORDS[limit.relative_to or "ticket"]
    if limit.relative_to != "model" or baseline is None:
        return _DIFFERS.fill(where=where)
    told = _listed(baseline, TEXT) if isinstance(baseline, tuple) else _shown(baseline, unit)
    return _NOT_THE_CARDS.fill(value=_shown(value, unit), where=where, baseline=told)


def _bound_words(limit: Limit, number: Decimal, bound: Decimal, unit: str, baseline: Value | None) -> Words | str:
    if limit.mode is None or limit.relative_to is None or not isinstance(baseline, Decimal):
        return _shown(bound, unit)
    signed = f"{number:+f}" if limit.mode == "delta" else _shown(number, "1")
    return _RELATIVE[limit.mode].fill(
        bound=_shown(bound, unit),
        number=signed,
        baseline=_shown(baseline, unit),
        where=BASELINE_WORDS[limit.relative_to],
    )


def _shown(value: Value, unit: str) -> Words | str:
    """A value for people. An identity is never shown: reasons are kept where identities must be erasable."""
    if unit == IDENTITY:
        return "…"
    if isinstance(value, bool):
        return _YES if value else _NO
    if isinstance(value, Decimal):
        return number_text(value, unit)
    return _listed(value, unit) if isinstance(value, tuple) else value


def _listed(values: Iterable[Value], unit: str) -> Words:
    shown = [_shown(value, unit) for value in values]
    return Words(
        ", ".join(one.en if isinstance(one, Words) else one for one in shown) or "none",
        "、".join(one.zh if isinstance(one, Words) else one for one in shown) or "无",
    )
