"""What is left of a one-time code that a customer consents with: a commitment to it, what it is for, and until when.

The code itself goes to the customer and stands in no record. Stands on `reports.predicates`.
"""

from __future__ import annotations

from typing import Literal

from reports.predicates import Commitment, Common, Millis, Name, Sha256, Statement

__all__ = ["PREDICATES", "ConsentCodeV1"]


class ConsentCodeV1(Common):
    """A code was sent for one plan, or for one record of how the phone came.

    Attributes:
        person: who asked for it; the station made it.
        plan: the digest of what it is for: of the plan, or of the record that the customer confirms (`about`).
        code: commits to that digest and the code, so that a code for something else never fits.
        until_ms: after that it is not taken any more.
    """

    person: Name
    plan: Sha256
    code: Commitment
    until_ms: Millis
    about: Literal["plan", "confirmation"] = "plan"


PREDICATES: dict[str, type[Statement]] = {"consent-code/v1": ConsentCodeV1}
