"""What a parts order (备件) states: which parts of the consented plan are reserved on the shelf, and which are ordered.

Stands on `reports.predicates`; it knows no stock.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.predicates import Common, FreeText, Millis, Name, Sha256, Statement

__all__ = ["PREDICATES", "OrderedPartV1", "PartsOrderV1"]


class OrderedPartV1(Statement):
    """One part number: how many the plan needs, how many are reserved for this ticket, how many are not there."""

    part: Name
    number: Name
    needed: int = Field(ge=1, le=1000)
    reserved: int = Field(ge=0, le=1000)
    short: int = Field(ge=0, le=1000)


class PartsOrderV1(Common):
    """The parts keeper's answer to a plan.

    Attributes:
        person: who looked, reserved and ordered; signs it off as `performed`.
        plan: the consented plan.
        decision: `reserved` when everything is there, `ordered` when something had to be ordered.
        promised_ms: when the repair was promised to be ready with the missing parts; None when nothing is missing.
        supplier: where it was ordered.
    """

    person: Name
    plan: Sha256
    parts: tuple[OrderedPartV1, ...] = Field(min_length=1)
    decision: Literal["reserved", "ordered"]
    promised_ms: Millis | None
    supplier: FreeText


PREDICATES: dict[str, type[Statement]] = {"parts-order/v1": PartsOrderV1}
