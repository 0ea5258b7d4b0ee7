"""Before and after a repair, row by row: what got worse, what got better, which parts are others now. Pure.

Stands on run records and on the plan that the customer agreed to. What of it blocks a release is `reports.release`'s
to say; this is the same comparison for people to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from checklists.verdict import Stage, Verdict
from drivers.text import Words
from reports.agreement import stays
from reports.attest import Record
from reports.predicates import AttemptV1, Commitment, ConsentV1, PlanV1, Quantity, RunV1
from reports.replay import latest_attempts, resolved

__all__ = ["Change", "DiffRow", "RunDiff", "ValueDiff", "before_and_after", "compare", "planned_changes"]

#: How a check changed, the worst first.
Change = Literal["regression", "not-run-now", "worse", "part-changed", "better", "new", "gone", "same"]
_ORDER: dict[str, int] = {
    name: at
    for at, name in enumerate(
        ("regression", "part-changed", "worse", "not-run-now", "better", "new", "gone", "same"), 0
    )
}
#: From good to bad; `none` says nothing of the phone and stands outside.
_BADNESS = {Verdict.PASS: 0, Verdict.INFO: 0, Verdict.WARN: 1, Verdict.FAIL: 2}


@dataclass(frozen=True, slots=True)
class ValueDiff:
    """One measurement before and after; identities are shown as changed or not, never as what they are.

    `by` is after less before for numbers of the same unit.
    """

    name: str
    before: str
    after: str
    unit: str
    by: Decimal | None
    changed: bool
    planned: bool = False


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One check before and after."""

    check: str
    title: Words
    before: Verdict
    after: Verdict
    change: Change
    values: tuple[ValueDiff, ...]
    reason: Words | None


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Two runs compared: rows with regressions first."""

    before: str
    after: str
    rows: tuple[DiffRow, ...] = field(default=())

    @property
    def regressions(self) -> tuple[DiffRow, ...]:
        """What was good before and fails now."""
        return tuple(row for row in self.rows if row.change == "regression")

    @property
    def unplanned(self) -> tuple[tuple[str, ValueDiff], ...]:
        """Parts that are others now and stand in no plan that the customer agreed to."""
        return tuple(
            (row.check, value) for row in self.rows for value in row.values if value.changed and not value.planned
        )


def before_and_after(records: Iterable[Record]) -> tuple[Record, Record] | None:
    """The run that a phone came with and its newest run after the repair, as far as there are both.

    Before is the last intake run, or the last one for a diagnosis, from before the first self-check; what was sent out
    and came back begins anew, and so does what was handed back and taken in again.
    """
    standing = _last_stay(records)
    early: Record | None = None
    first: Record | None = None
    late: Record | None = None
    for record in standing:
        run = record.statement.predicate
        if record.kind.startswith("send-back/"):
            early, first, late = None, None, None
        if not isinstance(run, RunV1):
            continue
        if run.stage in (Stage.SELF_CHECK, Stage.CROSS_CHECK):
            late = record if run.stage is Stage.SELF_CHECK else late
        elif late is None and run.stage is Stage.INTAKE:
            early = record
        elif late is None:
            first = record
    before = early or first
    return (before, late) if before is not None and late is not None else None


def _last_stay(records: Iterable[Record]) -> list[Record]:
    """The records that stand of the last stay in which the phone was looked at, else of the one that goes on."""
    every = stays(records)
    seen = [stay for stay in every if any(isinstance(one.statement.predicate, RunV1) for one in stay)]
    return (seen or every)[-1]


def planned_changes(records: Iterable[Record]) -> frozenset[str]:
    """`check:measurement` of every identity that the newest plan with the customer's consent lets differ."""
    standing = _last_stay(records)
    plans = {one.digest: one.statement.predicate for one in standing if isinstance(one.statement.predicate, PlanV1)}
    agreed = [
        plans[consent.plan]
        for one in standing
        if isinstance(consent := one.statement.predicate, ConsentV1)
        and consent.plan in plans
        and consent.decision == "agreed"
    ]
    return frozenset(change for plan in agreed[-1:] for part in plan.parts for change in part.changes)


def compare(before: Record, after: Record, planned: frozenset[str] = frozenset()) -> RunDiff:
    """Every check of the two runs.

    Raises:
        TypeError: one of the records is not a run.
    """
    was, now = before.statement.predicate, after.statement.predicate
    if not isinstance(was, RunV1) or not isinstance(now, RunV1):
        raise TypeError("only runs can be compared")
    earlier, later = latest_attempts(was), latest_attempts(now)
    titles = {**_titles(was), **_titles(now)}
    rows = [
        _row(check, titles.get(check, Words(check, check)), earlier.get(check), later.get(check), planned)
        for check in [*later, *(check for check in earlier if check not in later)]
    ]
    rows.sort(key=lambda row: _ORDER[row.change])
    return RunDiff(before.digest, after.digest, tuple(rows))


def _titles(run: RunV1) -> dict[str, Words]:
    checklist = resolved(run)
    return {check.id: check.title.words for check in checklist.checks} if checklist else {}


def _row(
    check: str, title: Words, before: AttemptV1 | None, after: AttemptV1 | None, planned: frozenset[str]
) -> DiffRow:
    values = tuple(_values(check, before, after, planned))
    was = before.verdict if before else Verdict.NONE
    now = after.verdict if after else Verdict.NONE
    reason = Words(after.reason.en, after.reason.zh) if after and after.reason else None
    parts = any(value.changed and not value.planned for value in values)
    return DiffRow(check, title, was, now, _change(before, after, parts=parts), values, reason)


def _change(before: AttemptV1 | None, after: AttemptV1 | None, *, parts: bool) -> Change:
    if after is None:
        return "gone"
    if before is None:
        return "new"
    was, now = _BADNESS.get(before.verdict), _BADNESS.get(after.verdict)
    if now is None:
        return "same" if was is None else "not-run-now"
    if was is not None and now == _BADNESS[Verdict.FAIL] and was < now:
        return "regression"
    if parts:
        return "part-changed"
    if was is None or was == now:
        return "new" if was is None else "same"
    return "worse" if was < now else "better"


def _values(
    check: str, before: AttemptV1 | None, after: AttemptV1 | None, planned: frozenset[str]
) -> Iterable[ValueDiff]:
    was = _by_name(before)
    now = _by_name(after)
    for name in [*now, *(name for name in was if name not in now)]:
        first, second = was.get(name), now.get(name)
        if isinstance(first, Commitment) or isinstance(second, Commitment):
            both = isinstance(first, Commitment) and isinstance(second, Commitment)
            yield ValueDiff(name, "", "", "", None, both and first != second, f"{check}:{name}" in planned)
        else:
            by = _decimal(second) - _decimal(first) if _same_unit(first, second) else None
            unit = next((one.u for one in (second, first) if isinstance(one, Quantity)), "")
            yield ValueDiff(name, _shown(first), _shown(second), unit, by, changed=False)


def _by_name(attempt: AttemptV1 | None) -> Mapping[str, object]:
    return {one.name: one.value for one in attempt.measurements} if attempt else {}


def _same_unit(first: object, second: object) -> bool:
    return isinstance(first, Quantity) and isinstance(second, Quantity) and first.u == second.u


def _decimal(value: object) -> Decimal:
    assert isinstance(value, Quantity)  # noqa: S101 - asked by `_same_unit`
    return Decimal(value.v).scaleb(value.e)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Quantity):
        return f"{_decimal(value):f}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
