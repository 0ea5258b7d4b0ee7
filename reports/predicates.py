"""The predicates: what each kind of record states, as strict models.

A record is an in-toto Statement v1 whose `predicate` is one of these. Numbers that were measured are scaled integers
(`Quantity`), identities are salted commitments (`Commitment`), times are integers of milliseconds since 1970 (UTC).
Unknown keys are refused: a reader that does not know a key cannot know what it means.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from checklists.verdict import Ending, Stage, Verdict

__all__ = [
    "AttemptV1",
    "Clock",
    "Commitment",
    "Common",
    "DeviceRef",
    "EvidenceRef",
    "MeasurementV1",
    "PromptV1",
    "Quantity",
    "Software",
    "TextV1",
    "UnreadV1",
]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Millis = Annotated[int, Field(ge=0, lt=2**53)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Statement(BaseModel):
    """Base: unknown keys refused, frozen, strict types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TextV1(Statement):
    """A text in both languages, as it was shown."""

    en: str = Field(max_length=2000)
    zh: str = Field(max_length=2000)


class Quantity(Statement):
    """A measured number: `v` x 10^`e` in the UCUM unit `u`; 3.712 V is `{"v": 3712, "e": -3, "u": "V"}`."""

    v: int = Field(gt=-(2**53), lt=2**53)
    e: int = Field(ge=-18, le=18)
    u: str = Field(max_length=20)


class Commitment(Statement):
    """SHA-256 over the ticket's salt and the identity; erasing the salt makes it meaningless."""

    commitment: Sha256


class Clock(Statement):
    """The station's clock when the record was made.

    `state`: `anchored` (a receipt or signed server time was seen in this boot), `free-running`, or `suspect` (it went
    back, or wall and monotonic time drifted apart by more than 2 s).
    """

    wall_ms: Millis
    mono_ns: int = Field(ge=0)
    boot_id: Name
    state: Literal["anchored", "free-running", "suspect"]


class Software(Statement):
    """What made the record."""

    version: Name
    sha256: Sha256


class Common(Statement):
    """What every record of a ticket carries. `anchor` is the digest of the last receipt: the record is not older."""

    shop: Name
    station: Name
    ticket: Name
    simulated: bool
    anchor: Sha256 | None
    clock: Clock
    software: Software


class DeviceRef(Statement):
    """The phone as it was reached in a run. `phone` commits to its identity (IMEI, else serial)."""

    phone: Commitment
    transport: Name
    port: str = Field(max_length=200)
    manufacturer: str = Field(max_length=200)
    model: str = Field(max_length=200)
    platform: Literal["android", "ios"]
    os_version: str = Field(max_length=200)
    build: str = Field(max_length=400)


class MeasurementV1(Statement):
    """One measurement as judged. `limit` is the limit of the resolved checklist, verbatim, or null (`info`)."""

    name: Name
    value: Quantity | Commitment | bool | str | tuple[str, ...]
    verdict: Verdict
    reason: TextV1 | None
    limit: dict[str, Any] | None
    baseline: Quantity | Commitment | bool | str | None
    source: str = Field(max_length=400)


class UnreadV1(Statement):
    """A measurement that could not be had, and why."""

    name: Name
    reason: TextV1
    source: str = Field(max_length=400)


class EvidenceRef(Statement):
    """Raw bytes by digest."""

    name: Name
    sha256: Sha256
    bytes: int = Field(ge=0)
    media_type: Name


class PromptV1(Statement):
    """What a person was asked and what came of it. `outcome`: `answered`, `skipped`, `timed-out` or `withdrawn`."""

    id: Name
    title: TextV1
    outcome: Literal["answered", "skipped", "timed-out", "withdrawn"]
    answer: str | None = Field(max_length=2000)
    note: str | None = Field(max_length=2000)
    person: str | None
    asked_ms: Millis
    ended_ms: Millis


class AttemptV1(Statement):
    """One try of one check; attempts are only ever added."""

    check: Name
    n: int = Field(ge=1)
    ending: Ending
    verdict: Verdict
    reason: TextV1 | None
    finding: str | None
    side: str | None
    started_ms: Millis
    ended_ms: Millis
    measurements: tuple[MeasurementV1, ...]
    unread: tuple[UnreadV1, ...]
    evidence: tuple[EvidenceRef, ...]
    prompts: tuple[PromptV1, ...]


class RunV1(Common):
    """One pass of one checklist on one phone by one person, with the *resolved* checklist and every attempt.

    `confirms` is the digest of the self-check run that a cross-check confirms. `bench` is what the station's own
    health check said (`well` and the lines that were not).
    """

    run: Name
    stage: Stage
    person: Name
    device: DeviceRef
    checklist: dict[str, Any]
    checklist_sha256: Sha256
    confirms: Sha256 | None
    probes: dict[str, Sha256]
    bench: dict[str, Any]
    started_ms: Millis
    ended_ms: Millis
    attempts: tuple[AttemptV1, ...]
