"""Points of other people's lists, answered from a run: each by checks or single measurements that speak for it.

A point passes only when everything that speaks for it was done and judged well; what was not done is never passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checklists.verdict import Verdict
from drivers.text import Words
from reports.export.view import Checked, Outcome, Run, outcome_of

__all__ = ["Answer", "Point", "answer"]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a list. `by`: check ids, or `check:measurement`; empty where nothing of ours can answer it."""

    id: str
    words: Words
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it, and why not better: what failed, or what was not run."""

    point: Point
    outcome: Outcome
    because: tuple[str, ...]


#: From what settles a point to what merely does not speak against it.
_WORST: Sequence[Outcome] = ("fail", "error", "not-run", "info", "warn", "pass")


def answer(point: Point, run: Run) -> Answer:
    """The point's answer. What does not apply to this phone says nothing, unless nothing else does."""
    if not point.by:
        return Answer(point, "not-run", ())
    checks = {checked.id: checked for checked in run.checks}
    found = [(name, _of(name, checks)) for name in point.by]
    speaking = [(name, one) for name, one in found if one != "not-applicable"]
    if not speaking:
        return Answer(point, "not-applicable", ())
    outcome = next(one for one in _WORST if any(one == other for _, other in speaking))
    because = () if outcome == "pass" else tuple(name for name, one in speaking if one == outcome)
    return Answer(point, outcome, because)


def _of(name: str, checks: dict[str, Checked]) -> Outcome:
    check, _, measure = name.partition(":")
    checked = checks.get(check)
    if checked is None:
        return "not-run"
    whole = outcome_of(checked)
    if not measure or checked.attempt is None or whole in ("error", "not-applicable"):
        return whole
    for measured in checked.attempt.measurements:
        if measured.name == measure:
            return _VERDICTS[measured.verdict]
    return "not-run"


_VERDICTS: dict[Verdict, Outcome] = {
    Verdict.PASS: "pass",
    Verdict.WARN: "warn",
    Verdict.FAIL: "fail",
    Verdict.INFO: "info",
    Verdict.NONE: "not-run",
}
