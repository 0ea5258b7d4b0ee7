"""What a ticket's records say that a probe may know: when the phone was repaired, what was agreed about its data.

Pure over opened records; an amended record says nothing. What is only likely is left out: then the probe asks a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from reports.attest import Record
from reports.predicates import ConsentV1, RepairV1
from reports.steps.confirmation import ConfirmationV1
from reports.steps.erasure import ErasureV1

__all__ = ["KINDS", "record_facts"]

T = TypeVar("T")

#: The records that are looked at.
KINDS = frozenset({"amend/v1", "confirmation/v1", "consent/v1", "erasure/v1", "plan/v1", "repair/v1"})
#: The risk of a plan that stands for the customer's data, and the repairs after which none of it is left
#: (`checklists/diagnosis/policy/repairs.toml`).
_DATA_RISK, _ERASING = "data", frozenset({"factory-reset", "reflash"})


def record_facts(records: Sequence[Record]) -> dict[str, str]:
    """Facts for probes, in ledger order of the records.

    `repaired_s`: when the newest repair ended, in seconds since 1970. `data-agreed`: `erased` where the phone's storage
    was erased under a signed record, or an erasing repair was done under a plan whose data risk the customer confirmed;
    `kept` where the customer confirmed the data notice and nothing that was agreed to puts the data at risk.
    """
    found = {}
    if repairs := _said(records, RepairV1):
        found["repaired_s"] = str(repairs[-1].ended_ms // 1000)
    if agreed := _data_agreed(records):
        found["data-agreed"] = agreed
    return found


def _data_agreed(records: Sequence[Record]) -> str:
    if any(one.decision == "phone-erased" for one in _said(records, ErasureV1)):
        return "erased"
    risked = [one for one in _said(records, ConsentV1) if one.decision == "agreed" and _DATA_RISK in one.confirmed]
    if risked:
        # The plan names what may be tried, the repair what was done: only together they say that the data went.
        plans = {record.digest for record in records} & {one.plan for one in risked}
        done = [one for one in _said(records, RepairV1) if one.plan in plans]
        return "erased" if any(_ERASING & set(one.remedies) for one in done) else ""
    confirmed = _said(records, ConfirmationV1)
    return "kept" if confirmed and confirmed[-1].decision == "confirmed" else ""


def _said(records: Iterable[Record], kind: type[T]) -> list[T]:
    """What the standing records of that kind say, oldest first."""
    every = list(records)
    amended = {getattr(one.statement.predicate, "target", "") for one in every if one.kind == "amend/v1"}
    return [said for one in every if one.digest not in amended and isinstance(said := one.statement.predicate, kind)]
