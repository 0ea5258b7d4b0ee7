"""The words for how an attempt ended and what it says of the phone, and which pairs of them are legal."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from drivers.text import Words

__all__ = ["Ending", "Layer", "Stage", "Verdict", "is_legal", "worst"]


class Ending(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    NOT_APPLICABLE = "not-applicable"
    SKIPPED = "skipped"
    ERRORED = "errored"
    TIMED_OUT = "timed-out"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"


class Verdict(StrEnum):
    """What an attempt says of the phone. `none` shows as *not run*, with its reason, and is never a pass."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    INFO = "info"
    NONE = "none"

    @property
    def words(self) -> Words:
        """The word on screens and papers."""
        return _VERDICT_WORDS[self]


_VERDICT_WORDS = {
    Verdict.PASS: Words("pass", "合格"),
    Verdict.WARN: Words("warn", "预警"),
    Verdict.FAIL: Words("fail", "不合格"),
    Verdict.INFO: Words("info", "参考（不判定）"),
    Verdict.NONE: Words("not run", "未检"),
}


class Stage(StrEnum):
    """The stage of a ticket that a run belongs to."""

    INTAKE = "intake"
    DIAGNOSIS = "diagnosis"
    SELF_CHECK = "self-check"
    CROSS_CHECK = "cross-check"
    DELIVERY = "delivery"


class Layer(StrEnum):
    """Soft (software, state, logs) comes before hard (parts)."""

    SOFT = "soft"
    HARD = "hard"


def is_legal(ending: Ending, verdict: Verdict) -> bool:
    """Only a completed attempt may carry a verdict other than `none`.

    `completed` with `none` is legal: the probe ran to its end and found nothing that could be judged (a refused
    permission, a missing service, an unknown format); its reason says which.
    """
    return ending is Ending.COMPLETED or verdict is Verdict.NONE


#: From the best to the worst when measurements of one check are taken together; `none` is handled by the judge.
_RANK = {Verdict.INFO: 0, Verdict.PASS: 1, Verdict.WARN: 2, Verdict.FAIL: 3}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts. A fail stays a fail; else one `none` makes the whole `none`; nothing is `none`."""
    seen = list(verdicts)
    if Verdict.FAIL in seen:
        return Verdict.FAIL
    if not seen or Verdict.NONE in seen:
        return Verdict.NONE
    return max(seen, key=_RANK.__getitem__)
