"""What a ticket's runs and words say of the phone's safety, for the policy of `checklists.safety`.

Pure over the session. What was seen before a repair is not held against the phone after it: from the self-check on only
runs of those stages count. It starts and stops nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from checklists.safety.policy import Hazard, Observed, hazards, shipped_safety
from checklists.verdict import Ending, Stage
from station.session import Attempt, Run, Session
from station.values import as_value

__all__ = ["observed", "present"]

_BEFORE_REPAIR = (Stage.INTAKE, Stage.DIAGNOSIS)


def present(session: Session, stage: Stage) -> tuple[Hazard, ...]:
    """The hazards that stand against starting checks of this stage now."""
    return hazards(shipped_safety(), observed(session, stage))


def observed(session: Session, stage: Stage) -> Observed:
    """The newest value of each measurement, and the fault codes of each check as it last ended."""
    values: dict[tuple[str, str], tuple[object, str]] = {}
    findings: dict[str, frozenset[str]] = {}
    for attempt in _attempts(session, stage):
        for one in attempt.measured:
            values[attempt.check, one.name] = (as_value(one.value), one.unit)
        if attempt.ended is not None and attempt.ended.ending is Ending.COMPLETED:
            findings[attempt.check] = found_in(attempt)
    said = symptoms(session) if stage in _BEFORE_REPAIR else frozenset()
    return Observed(values, frozenset().union(*findings.values()), said)


def found_in(attempt: Attempt) -> frozenset[str]:
    """The fault codes of everything in the attempt that did not pass, a warning's included."""
    codes = {(one.limit or {}).get("finding") for one in attempt.measured if one.verdict in ("warn", "fail")}
    ended = {attempt.ended.finding} if attempt.ended else set()
    return frozenset(code for code in (*codes, *ended) if code)


def symptoms(session: Session) -> frozenset[str]:
    """The coded complaints of the ticket."""
    return frozenset(session.registered.symptoms) if session.registered else frozenset()


def _attempts(session: Session, stage: Stage) -> Iterator[Attempt]:
    """The attempts that count, in the order of time."""
    for run in session.runs.values():
        if _counts(run, stage):
            yield from run.attempts


def _counts(run: Run, stage: Stage) -> bool:
    return stage in _BEFORE_REPAIR or run.opened.stage not in _BEFORE_REPAIR
