"""Whether a ticket's phone may be tested: after the customer has confirmed how it came. Pure, over the session.

A ticket of the quick way, with neither registration nor appearance record, stands on the consent in its intake alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from drivers.text import Words
from station.events import Sealed
from station.session import Session

__all__ = ["handed_in", "why_untested"]


def handed_in(session: Session) -> Sequence[Sealed]:
    """The records of how the phone came in, amended ones left out, up to the first sending out: what a factory sends
    back is looked at by the shop, and the customer confirmed what they had handed in."""
    amended = {one.target for one in session.records if one.record == "amend/v1"}
    before = takewhile(lambda one: one.record.split("/")[0] != "send-out", session.records)
    return [one for one in before if one.digest not in amended]


def why_untested(session: Session) -> Words | None:
    """Why the phone may not be tested yet, or None."""
    records = handed_in(session)
    kinds = [one.record.split("/")[0] for one in records]
    if "registration" not in kinds and "appearance" not in kinds:
        return None
    answers = [at for at, kind in enumerate(kinds) if kind == "confirmation"]
    if not answers:
        return _NOT_CONFIRMED
    shown = max((at for at, kind in enumerate(kinds) if kind in ("intake", "appearance")), default=-1)
    if shown > answers[-1]:
        return _CHANGED
    return None if records[answers[-1]].decision == "confirmed" else _DIFFERS


_NOT_CONFIRMED = Words("The customer has not confirmed yet how the phone came in", "客户尚未确认接件情况")
_CHANGED = Words("The appearance was recorded anew since the customer confirmed", "客户确认后外观记录有更新")
_DIFFERS = Words("The customer says that something differs", "客户对接件记录提出异议")
