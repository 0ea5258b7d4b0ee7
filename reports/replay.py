"""Whether the verdicts of a recorded run follow from what the run itself recorded.

A run carries its resolved checklist and every measurement, so anyone can judge it again: a check left out, an attempt
dropped, a limit loosened or a verdict improved shows without the station. Stands on the checklist models and the judge.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from checklists.canonical import canonical_data, dump_model, from_dump
from checklists.judge import Judged, judge_check, judge_measurement
from checklists.problems import ChecklistErrors
from checklists.reference.table import ReferenceTable, read_table
from checklists.schema import Check, Checklist, Limit
from checklists.verdict import Ending, Verdict, is_legal
from drivers.text import Words
from probes.api import Measurement, Unread, Value
from probes.units import FLAG, LIST, TEXT
from reports.predicates import AttemptV1, Commitment, MeasurementV1, Quantity, RunV1

__all__ = ["contradictions", "latest_attempts", "resolved"]


#: How many checklists are remembered: runs carry the same few, and reading one takes longer than judging by it.
CHECKLISTS: Final = 16


def resolved(run: RunV1) -> Checklist | None:
    """The checklist that the run carries, None when it is not one."""
    try:
        return _read(canonical_data(run.checklist))
    except (ChecklistErrors, ValueError, TypeError, RecursionError):
        return None


@functools.lru_cache(maxsize=CHECKLISTS * 64)
def _dumped(limit: Limit) -> dict[str, Any]:
    """A limit as a record carries it; only ever compared with."""
    return dump_model(limit)


@functools.lru_cache(maxsize=CHECKLISTS)
def _read(data: bytes) -> Checklist:
    return from_dump(json.loads(data))


def latest_attempts(run: RunV1) -> dict[str, AttemptV1]:
    """The last attempt of each check: the one that counts."""
    latest: dict[str, AttemptV1] = {}
    for attempt in run.attempts:
        if attempt.check not in latest or attempt.n > latest[attempt.check].n:
            latest[attempt.check] = attempt
    return latest


def contradictions(
    run: RunV1, checklist: Checklist | None, allowed: frozenset[str] | None = None
) -> Iterator[tuple[str, Words]]:
    """Everything in which the run contradicts itself, or uses a checklist outside `allowed`, as (code, words).

    `checklist` is what `resolved` made of the run.
    """
    if checklist is None:
        yield "checklist", Words("the run carries no valid checklist", "检测记录未带有效的检测清单")
        return
    if checklist.sha256 != run.checklist_sha256:
        yield "checklist", Words("the checklist is not the one that it names", "检测清单与其摘要不符")
    if allowed is not None and run.checklist_sha256 not in allowed:
        yield (
            "checklist",
            Words("the checklist {id} is not allowed here", "检测清单 {id} 不在允许之列").fill(id=checklist.id),
        )
    if run.stage not in checklist.stages:
        yield (
            "checklist",
            Words("the checklist {id} is not for this stage", "检测清单 {id} 不用于此阶段").fill(id=checklist.id),
        )
    try:
        reference = read_table(run.bench)
    except ValueError:
        yield "reference", Words("the run's reference values can't be read", "检测记录中的参考值无法读取")
        return
    checks = {check.id: check for check in checklist.checks}
    counted: dict[str, int] = {}
    for attempt in run.attempts:
        check = checks.get(attempt.check)
        counted[attempt.check] = counted.get(attempt.check, 0) + 1
        if check is None:
            yield (
                "unknown-check",
                Words("{check} is not in the checklist", "{check} 不在检测清单中").fill(check=attempt.check),
            )
            continue
        if attempt.n != counted[attempt.check]:
            yield (
                "attempts",
                Words("attempts of {check} are missing", "{check} 的部分检测次数缺失").fill(check=attempt.check),
            )
        why = _attempt_contradiction(check, attempt, reference)
        if why:
            yield "verdict", Words("{check}: {en}", "{check}：{zh}").fill(check=check.id, en=why.en, zh=why.zh)


def _attempt_contradiction(check: Check, attempt: AttemptV1, reference: ReferenceTable) -> Words | None:
    if not is_legal(attempt.ending, attempt.verdict):
        return Words("a verdict without a completed attempt", "未完成的检测带有判定")
    if attempt.ending is not Ending.COMPLETED:
        return None
    limits = {limit.measure: limit for limit in check.limits}
    judged = []
    for measurement in attempt.measurements:
        limit = limits.get(measurement.name)
        if measurement.limit != (None if limit is None else _dumped(limit)):
            return Words("the limit of {m} is not the checklist's", "{m} 的判定标准与检测清单不符").fill(
                m=measurement.name
            )
        if _other_reference(check, limit, measurement, reference):
            return Words("{m} was compared with another reference", "{m} 对比的参考值与记录不符").fill(
                m=measurement.name
            )
        verdict = _judged_again(check, limit, measurement, reference)
        if _improved(measurement.verdict, verdict):
            return Words("{m} is {verdict}, recorded as {said}", "{m} 应为 {verdict}，记录为 {said}").fill(
                m=measurement.name, verdict=verdict.words, said=measurement.verdict.words
            )
        judged.append(Judged(measurement.name, limit, measurement.verdict))
    unread = [Unread(item.name, Words(item.reason.en, item.reason.zh), item.source) for item in attempt.unread]
    verdict = judge_check(check, judged, unread).verdict
    if _improved(attempt.verdict, verdict):
        return Words(
            "its measurements say {verdict}, recorded is {said}", "实测值判定为 {verdict}，记录为 {said}"
        ).fill(verdict=verdict.words, said=attempt.verdict.words)
    return None


def _improved(recorded: Verdict, verdict: Verdict) -> bool:
    """Whether a record says anything but what follows; `none` may always be said, but never of a fail."""
    return recorded is not verdict and (recorded is not Verdict.NONE or verdict is Verdict.FAIL)


def _other_reference(check: Check, limit: Limit | None, measurement: MeasurementV1, reference: ReferenceTable) -> bool:
    """Whether the value was held against a reference that the run did not begin with."""
    if limit is None or limit.relative_to != "reference" or measurement.baseline is None:
        return False
    row = reference.row(check.id, limit.baseline_name)
    told = measurement.baseline
    return row is None or not isinstance(told, Quantity) or told.u != row.unit or _plain(told) != row.centre


def _judged_again(check: Check, limit: Limit | None, measurement: MeasurementV1, reference: ReferenceTable) -> Verdict:
    """The verdict of the recorded value; of an identity only its commitment is there, so its verdict is taken."""
    value = measurement.value
    if isinstance(value, Commitment):
        return measurement.verdict
    unit = {bool: FLAG, str: TEXT, tuple: LIST}.get(type(value)) or (value.u if isinstance(value, Quantity) else TEXT)
    baselines: dict[str, dict[str, Value]] = {}
    if limit and measurement.baseline is not None:
        if isinstance(measurement.baseline, Commitment):
            return measurement.verdict
        kind = limit.relative_to or "ticket"
        baselines = {kind: {limit.baseline_name: _plain(measurement.baseline)}}
    spread = reference.spread(check.id, measurement.name, unit)
    again = judge_measurement(limit, Measurement(measurement.name, _plain(value)), unit, baselines, spread)
    return again.verdict


def _plain(value: Quantity | bool | str | tuple[str, ...]) -> Value:
    return Decimal(value.v).scaleb(value.e) if isinstance(value, Quantity) else value
