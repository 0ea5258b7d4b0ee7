"""What a follow-up (回访) states: reached or not, whether the fault is gone, what the customer says of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reports.predicates import Common, FreeText, Millis, Name, Sha256, Statement

__all__ = ["PREDICATES", "FollowUpV1"]


class FollowUpV1(Common):
    """One call, or one try of it.

    Attributes:
        decision: `done`; `not-reached` (called again later); `reopened`: the fault is not gone.
        about: digest of the delivery; `attempt`: which try it was, from 1; `due`: the day it was due.
        fault: whether the fault that the phone came with is gone.
        score: satisfaction with the service from 1 (bad) to 5 (very good); words: the customer's own.
    """

    decision: Literal["done", "not-reached", "reopened"]
    person: Name
    about: Sha256
    attempt: int = Field(ge=1, le=100)
    due: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    channel: Literal["phone", "message", "visit", "counter"]
    fault: Literal["gone", "not-gone", "unknown"]
    score: int | None = Field(ge=1, le=5)
    words: FreeText
    called_ms: Millis


PREDICATES: dict[str, type[Statement]] = {"follow-up/v1": FollowUpV1}
