"""What a notice to the customer states: which stage, from which template, by which way, and that it was sent.

The text names the customer and so is a commitment; `template` is the SHA-256 of the template it was filled from.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.predicates import Commitment, Common, Millis, Name, Sha256, Statement

__all__ = ["PREDICATES", "NoticeV1"]


class NoticeV1(Common):
    """A message that was handed to the adapter.

    Attributes:
        topic: the stage that it tells of; `round` counts the notices of a stage, more than one only on purpose.
        language: `en` or `zh`.
        to, text: commitments to the telephone number and to the whole text.
        key: the idempotency key that went with it: the same key is the same message, however often it arrives.
        adapter: what took it.
    """

    decision: Literal["sent"]
    person: Name
    topic: Name
    round: int = Field(ge=1, le=1000)
    language: Literal["en", "zh"]
    template: Sha256
    to: Commitment | None
    text: Commitment
    key: Sha256
    adapter: Name
    sent_ms: Millis


PREDICATES: dict[str, type[Statement]] = {"notice/v1": NoticeV1}
