"""Remedies by software on a ticket: what the customer was told, what failed before, and whether it is gone after.

Pure over sessions and over the documents of runs. What a remedy does is in `probes.soft_remedy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from drivers.text import Words
from station.session import Session
from station.values import as_value

__all__ = ["CHECK", "CHECKLIST", "Before", "Outcome", "after_words", "data_facts", "failed_before", "outcomes"]

#: The checklist of a remedy, and its check.
CHECKLIST, CHECK = "android-remedy", "soft-remedy"

#: A fault that is not found any more, one that still is, and one of which the second run says nothing.
After = Literal["gone", "still-there", "not-told"]

_AFTER: Mapping[After, Words] = {
    "gone": Words("gone", "已消失"),
    "still-there": Words("still there", "仍存在"),
    "not-told": Words("not told", "未判定"),
}


def after_words(after: After) -> Words:
    """What it is called."""
    return _AFTER[after]


def data_facts(session: Session) -> dict[str, str]:
    """What the ticket holds of data, for probes: its number, and what the customer was told last."""
    found = {"ticket": session.ticket} if session.ticket else {}
    for run in session.runs.values():
        for attempt in run.attempts:
            for one in attempt.measured:
                if one.name == "data_notice" and (said := as_value(one.value)):
                    found["data-notice"] = str(said)
    return found


@dataclass(frozen=True, slots=True)
class Before:
    """What failed in the newest run that found something: its checklist by name, its id, and the failed checks."""

    run: str
    checklist: str
    checks: tuple[str, ...]


def failed_before(runs: Sequence[Mapping[str, Any]]) -> Before | None:
    """The newest of these runs' documents in which a check failed, remedies aside; None when none did."""
    for run in reversed(runs):
        failed = tuple(one["id"] for one in run["checks"] if one["verdict"] == "fail")
        if failed and run["checklist"]["id"] != CHECKLIST:
            return Before(str(run["run"]), str(run["checklist"]["id"]), failed)
    return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one failed check, and the reason that the second run gives."""

    check: str
    title: Words
    after: After
    reason: Words | None


def outcomes(failed: Sequence[str], again: Mapping[str, Any]) -> list[Outcome]:
    """Each failed check with what the document of the second run says of it; no verdict is never "gone"."""
    rows = {one["id"]: one for one in again["checks"]}
    return [_outcome(check, rows.get(check)) for check in failed]


def _outcome(check: str, row: Mapping[str, Any] | None) -> Outcome:
    if row is None:
        return Outcome(check, Words(check, check), "not-told", None)
    told: Mapping[str, After] = {"pass": "gone", "info": "gone", "warn": "still-there", "fail": "still-there"}
    reason = Words(*row["reason"]) if row["reason"] else None
    return Outcome(check, Words(*row["title"]), told.get(row["verdict"], "not-told"), reason)
