"""What a customer's confirmation states: that phone, accessories and data text are as recorded, or what differs.

It names the digests of what was shown, so that a later change of those is not what was confirmed. Stands on
`reports.predicates`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.predicates import Common, EvidenceRef, FreeText, IdentityV1, Millis, Name, Sha256, Statement, TextV1

__all__ = ["PREDICATES", "ConfirmationV1", "NoticeV1", "Way"]

Way = Literal["signature", "typed", "one-time-code", "call", "witness"]


class NoticeV1(Statement):
    """The backup and data-liability text as it was shown: SHA-256 over its canonical form."""

    id: Name
    version: int = Field(ge=1)
    sha256: Sha256
    clauses: tuple[TextV1, ...] = Field(min_length=1)


class ConfirmationV1(Common):
    """The customer's yes or no to what was recorded, before any test.

    Attributes:
        person: who took it down; `witness`: the second person of the way `witness`.
        intake, appearance: digests of what was shown.
        notice: the data text; `backup`: what the customer says of their own copy of the data.
        decision: `differs` stops the ticket until a new appearance record; `difference` says what.
        by: who confirmed; `way`: how; `remote`: not at the counter.
        proof: the signature's picture, the recorded call, the answered message.
        name: commitment to the name that was typed as a signature; `code`: to the one-time code.
    """

    person: Name
    witness: Name | None
    intake: Sha256
    appearance: Sha256 | None
    notice: NoticeV1
    backup: Literal["made", "declined", "not-possible"]
    decision: Literal["confirmed", "differs"]
    difference: FreeText
    by: Literal["owner", "bringer"]
    way: Way
    remote: bool
    proof: tuple[EvidenceRef, ...]
    name: IdentityV1 | None
    code: IdentityV1 | None
    given_ms: Millis


PREDICATES: dict[str, type[Statement]] = {"confirmation/v1": ConfirmationV1}
