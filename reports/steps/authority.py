"""What an authority (代办授权) states: who else than the owner may act on this ticket, and by what right.

Later than the registration, or in place of what it says of the same part. Stands on `reports.steps.registration`.
"""

from __future__ import annotations

from typing import Literal

from reports.predicates import Common, EvidenceRef, Name, Statement
from reports.steps.registration import PartyV1

__all__ = ["PREDICATES", "AuthorityV1", "Part"]

Part = Literal["bringer", "collector"]


class AuthorityV1(Common):
    """Somebody was named who stands for the owner.

    Attributes:
        person: who took it down.
        part: what they may do: bring it and consent, or collect it and consent.
        party: commitments to name and telephone, and what shows that they may.
        evidence: the owner's letter, the recorded call.
    """

    person: Name
    part: Part
    party: PartyV1
    evidence: tuple[EvidenceRef, ...]


PREDICATES: dict[str, type[Statement]] = {"authority/v1": AuthorityV1}
