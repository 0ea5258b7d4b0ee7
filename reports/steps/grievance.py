"""What a grievance (投诉) states: opened, answered or closed, by whom it is owned, and until when it must be."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reports.predicates import Common, FreeText, Millis, Name, Reason, Sha256, Statement

__all__ = ["PREDICATES", "GrievanceV1"]

Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class GrievanceV1(Common):
    """One act in a case.

    Attributes:
        opened: digest of the record that opened the case; None in that record itself.
        number: which case of the ticket, from 1.
        owner: who answers for it now; level: 1 ordinary, 2 serious, 3 to the head of the shop or head office.
        channel: how it came, or was answered.
        words: what the customer said, or was told; remedy: what was agreed, in a closing.
        opened_ms, answer_by_ms, close_by: when it came, and until when it must be answered and closed; `close_by` is a
            day in China, by `working_days`. `certain`: the holidays up to there are announced.
        late: this act came after its time.
        hold: evidence and personal data of the ticket must not be erased.
    """

    decision: Literal["opened", "answered", "closed"]
    person: Name
    opened: Sha256 | None
    number: int = Field(ge=1, le=1000)
    owner: Name
    level: Literal[1, 2, 3]
    channel: Literal["counter", "phone", "message", "hotline", "12315", "platform"]
    words: Reason
    remedy: FreeText
    opened_ms: Millis
    answer_by_ms: Millis
    close_by: Day
    working_days: int = Field(ge=1, le=60)
    certain: bool
    late: bool
    hold: bool
    at_ms: Millis


PREDICATES: dict[str, type[Statement]] = {"grievance/v1": GrievanceV1}
