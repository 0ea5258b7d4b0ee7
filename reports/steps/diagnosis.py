"""What a diagnosis (诊断) states: the causes as the policy ranked them, which one the technician chose and why, what
was tried under which conditions.

"No fault found" is a decision of its own: it says what was tried, how often and under which conditions, and is never
the same as a phone that passed. Stands on `reports.predicates`; it knows no store.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reports.predicates import Common, FreeText, Millis, Name, Reason, Sha256, Statement, TextV1

__all__ = ["PREDICATES", "CauseV1", "DiagnosisV1", "FindingV1", "GroundV1", "TryV1"]


class FindingV1(Statement):
    """A fault code that a check gave."""

    code: Name
    name: TextV1


class GroundV1(Statement):
    """One thing that speaks for or against a cause; `check` is where it comes from, empty for the complaint."""

    speaks: Literal["for", "against"]
    check: str = Field(max_length=200)
    text: TextV1


class CauseV1(Statement):
    """A cause as it was ranked: its probability in thousandths, and its weightiest grounds."""

    cause: Name
    name: TextV1
    permille: int = Field(ge=0, le=1000)
    grounds: tuple[GroundV1, ...]


class TryV1(Statement):
    """One attempt to see the fault: under which conditions, for how long, and whether it showed."""

    conditions: Reason
    minutes: int = Field(ge=0, lt=2**31)
    shown: bool


class DiagnosisV1(Common):
    """What a technician found.

    Attributes:
        person: who diagnosed; signs it off as `performed`.
        policy: the digest of the diagnosis policy that ranked the causes.
        runs: the digests of the runs that it stands on, oldest first.
        symptoms: the coded complaints.
        outcome: what the ranking by itself came to.
        findings: the fault codes of those runs.
        ranked: the likeliest causes first.
        chosen: the cause that the technician goes by (its id, `other` for one in own words), empty without one.
        cause: the same in words; why: the technician's reason, always there when it is not the likeliest.
        tries: what was tried in order to see the fault.
        decision: `cause-found`, `no-fault-found`, or `observation` up to `until_ms`.
    """

    person: Name
    policy: Sha256
    runs: tuple[Sha256, ...]
    symptoms: tuple[Name, ...]
    outcome: Name
    findings: tuple[FindingV1, ...]
    ranked: tuple[CauseV1, ...]
    chosen: str = Field(max_length=200)
    cause: FreeText
    why: FreeText
    tries: tuple[TryV1, ...]
    until_ms: Millis | None
    decision: Literal["cause-found", "no-fault-found", "observation"]


PREDICATES: dict[str, type[Statement]] = {"diagnosis/v1": DiagnosisV1}
