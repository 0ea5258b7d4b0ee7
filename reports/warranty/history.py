"""What a ticket's own records say of earlier stays at this repairer: repairs, replaced accessories, the last exchange.

Pure, over the standing records of one ticket, so that a decision need not stand on what somebody remembers. A stay ends
with the hand-back; it counts as a repair of the fault that the warranty decision of that stay was about.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from checklists.verdict import Stage, Verdict
from reports.attest import Record
from reports.calendar import day_of
from reports.predicates import IntakeV1, PartUseV1, RepairV1, RunV1
from reports.steps.delivery import DeliveryV1
from reports.steps.exchange import ExchangeV1, ReplacementV1
from reports.steps.follow_up import FollowUpV1
from reports.steps.parts_order import PartsOrderV1
from reports.steps.send_out import SendBackV1, SendOutV1
from reports.steps.warranty import WarrantyV1
from reports.warranty.days import Away
from reports.warranty.faults import mapped

__all__ = ["History", "history", "with_typed"]

#: Runs that say what the phone came with.
_BEFORE = (Stage.INTAKE, Stage.DIAGNOSIS)


@dataclass(frozen=True, slots=True)
class History:
    """What went before, as days in China.

    Attributes:
        stays: the stays that are over and in which something was repaired, ordered or sent out; `row` is empty where
            nothing was repaired, or the fault was not one that the rule covers.
        replaced: the items of the accessories that were replaced, one for each time.
        exchanged: the day of the last exchange of the handset.
        came_back: the day the customer said that the last repair did not hold; None where they did not.
        handed_in: the day the phone was handed in for the stay that is not over.
    """

    stays: tuple[Away, ...] = ()
    replaced: tuple[str, ...] = ()
    exchanged: datetime.date | None = None
    came_back: datetime.date | None = None
    handed_in: datetime.date | None = None


@dataclass(slots=True)
class _Stay:
    """A stay as it is read; `decided` is the row of its warranty decision, None while there is none."""

    handed_in: datetime.date | None = None
    worked: bool = False
    waited: bool = False
    decided: str | None = None
    codes: list[str] = field(default_factory=list)

    def until(self, back: datetime.date) -> Away | None:
        """The stay as it is counted; None where it is none."""
        if self.handed_in is None or not (self.worked or self.waited):
            return None
        found = next(iter(mapped(self.codes).rows), "") if self.decided is None else self.decided
        return Away(self.handed_in, max(self.handed_in, back), found if self.worked else "")


def history(records: Iterable[Record]) -> History:
    """What the records of one ticket tell, those that stand, in ledger order."""
    found, stay = History(), _Stay()
    for record in records:
        said = record.statement.predicate
        if isinstance(said, DeliveryV1):
            over = stay.until(day_of(said.delivered_ms))
            found, stay = replace(found, stays=(*found.stays, *([over] if over else []))), _Stay()
        elif isinstance(said, FollowUpV1) and said.decision == "reopened":
            found = replace(found, came_back=day_of(said.called_ms))
        elif isinstance(said, ExchangeV1) and said.decision == "exchanged":
            found = replace(found, exchanged=day_of(said.clock.wall_ms))
        elif isinstance(said, ReplacementV1) and said.decision == "replaced":
            found = replace(found, replaced=(*found.replaced, said.claim.item))
        else:
            _read(stay, said)
    return replace(found, handed_in=stay.handed_in)


def _read(stay: _Stay, said: object) -> None:
    """One record of a stay."""
    if isinstance(said, IntakeV1):
        stay.handed_in = stay.handed_in or day_of(said.received_ms)
    elif isinstance(said, WarrantyV1):
        stay.decided = next(iter(said.claim.rows), "") if said.decision == "in-warranty" else ""
    elif isinstance(said, RunV1) and said.stage in _BEFORE:
        stay.codes += [one.finding for one in said.attempts if one.verdict is Verdict.FAIL and one.finding]
    elif isinstance(said, RepairV1 | PartUseV1) or (isinstance(said, SendBackV1) and said.outcome == "repaired"):
        stay.worked = True
    elif isinstance(said, PartsOrderV1 | SendOutV1):
        stay.waited = True


def with_typed(own: Iterable[Away], typed: Iterable[Away]) -> tuple[Away, ...]:
    """The stays of the records and those that were typed off a warranty card, each once.

    A typed stay that shares a day with a recorded one is taken for the same: the record is signed, and counts.
    """
    known = tuple(own)
    return (
        *known,
        *(one for one in typed if not any(one.handed_in <= each.back and each.handed_in <= one.back for each in known)),
    )
