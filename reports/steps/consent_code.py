"""What is left of a one-time code that a customer consents with: a commitment to it, to which plan, and until when.

The code itself goes to the customer and stands in no record. Stands on `reports.predicates`.
"""

from __future__ import annotations

from reports.predicates import Commitment, Common, Millis, Name, Sha256, Statement

__all__ = ["PREDICATES", "ConsentCodeV1"]


class ConsentCodeV1(Common):
    """A code was made for one plan.

    Attributes:
        person: who asked for it; the station made it.
        plan: the digest of the plan that it is for.
        code: commits to plan and code, so that a code of another plan never fits.
        until_ms: after that it is not taken any more.
    """

    person: Name
    plan: Sha256
    code: Commitment
    until_ms: Millis


PREDICATES: dict[str, type[Statement]] = {"consent-code/v1": ConsentCodeV1}
