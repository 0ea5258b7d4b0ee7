"""What a service clock states when a person stops it or lets it run again: why, and since when."""

from __future__ import annotations

from typing import Literal

from reports.predicates import Common, Millis, Name, Reason, Statement

__all__ = ["PREDICATES", "ClockV1"]


class ClockV1(Common):
    """The ticket's clocks stand still from `at_ms`, or run again from then.

    `why`: the shop waits for the customer or for parts; nothing else stops a clock. Waiting that a ticket's state shows
    already needs no record.
    """

    decision: Literal["paused", "resumed"]
    person: Name
    why: Literal["customer", "parts"]
    reason: Reason
    at_ms: Millis


PREDICATES: dict[str, type[Statement]] = {"clock/v1": ClockV1}
