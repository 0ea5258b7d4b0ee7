"""Whether the phone reports the parts that were fitted: a run from before, a run from after, and the part uses between.

Serials are commitments here; equal commitments of one ticket and one kind are equal serials. Pure, so that whoever
reads a ticket can ask again. What it means for a release is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from drivers.text import Words
from reports.predicates import Commitment, PartUseV1, RunV1
from reports.replay import latest_attempts

__all__ = ["Fit", "Fitted", "match_parts"]


class Fit(StrEnum):
    """What the phone says of one part.

    `MATCHES`: the serial that was fitted. `OTHER`: another one than was fitted, and another than before. `UNCHANGED`:
    the one from before although a part was fitted. `UNREAD`: a part was fitted and the phone does not tell (or the part
    has no serial). `UNPLANNED`: another one than before and no part use says so.
    """

    MATCHES = "matches"
    OTHER = "other"
    UNCHANGED = "unchanged"
    UNREAD = "unread"
    UNPLANNED = "unplanned"

    @property
    def words(self) -> Words:
        """The same for people."""
        return _WORDS[self]


_WORDS = {
    Fit.MATCHES: Words("the phone reports the fitted part", "手机上报的序列号与所装配件一致"),
    Fit.OTHER: Words("the phone reports another serial than was fitted", "手机上报的序列号与所装配件不一致"),
    Fit.UNCHANGED: Words("the phone still reports the old part", "手机仍上报旧件序列号"),
    Fit.UNREAD: Words("the phone does not tell this part's serial", "手机未上报该配件序列号"),
    Fit.UNPLANNED: Words("the part changed and no part use says so", "部件已变更，但无配件使用记录"),
}


@dataclass(frozen=True, slots=True)
class Fitted:
    """One identity measurement (`check-id:measurement`), what was fitted there, and what the phone says."""

    name: str
    number: str
    fit: Fit


def match_parts(before: RunV1 | None, after: RunV1, uses: Iterable[PartUseV1]) -> tuple[Fitted, ...]:
    """What the phone reports of every part that was fitted or that changed, by the name of the measurement.

    Args:
        before: the last run from before the repair; None: there was none, and nothing can be called unchanged.
        after: the newest run.
        uses: the part uses in their order; of one place the last counts.
    """
    was, now = (_serials(before) if before else {}), _serials(after)
    said = [(place.kind, (use.number, place.value.commitment)) for use in uses for place in use.reported]
    expected: dict[str, tuple[str, str]] = dict(said)
    found = [
        Fitted(name, number, _fit(serial, was.get(name), now.get(name))) for name, (number, serial) in expected.items()
    ]
    others = (was.keys() & now.keys()) - expected.keys()
    found += [Fitted(name, "", Fit.UNPLANNED) for name in others if was[name] != now[name]]
    return tuple(sorted(found, key=lambda one: one.name))


def _fit(fitted: str, was: str | None, now: str | None) -> Fit:
    if now is None:
        return Fit.UNREAD
    if now == fitted:
        return Fit.MATCHES
    return Fit.UNCHANGED if now == was else Fit.OTHER


def _serials(run: RunV1) -> dict[str, str]:
    return {
        f"{check}:{one.name}": one.value.commitment
        for check, attempt in latest_attempts(run).items()
        for one in attempt.measurements
        if isinstance(one.value, Commitment)
    }
