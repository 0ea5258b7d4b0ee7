"""Everything that can happen on a station, as typed events: what the journal holds and sessions are folded from.

Stands on the words of `checklists.verdict` and the value shapes of `reports.predicates`. It knows no database and no
device. An event is only ever added; a field may be added with a default, none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, SerializationInfo, TypeAdapter, model_serializer

from checklists.verdict import Ending, Stage, Verdict
from drivers.text import Words
from reports.predicates import Quantity

__all__ = [
    "BODY",
    "PRIVATE",
    "Answered",
    "Attached",
    "AttemptEnded",
    "AttemptStarted",
    "Body",
    "ChangeGivenUp",
    "ClockJudged",
    "CodeTried",
    "DeviceIdentified",
    "DeviceLost",
    "DeviceSeen",
    "EngineStarted",
    "Event",
    "EvidenceViewed",
    "Held",
    "Identifying",
    "KeyTried",
    "LedgerOlder",
    "Measured",
    "NotRead",
    "PhoneChanged",
    "PhoneRestored",
    "PhoneWriting",
    "Prompted",
    "Reads",
    "ReleaseRefused",
    "RestoreFailed",
    "RunAborted",
    "RunFinished",
    "RunOpened",
    "RunResumed",
    "Sealed",
    "TicketOpened",
    "TicketRegistered",
    "fields_of",
]


#: Bodies that a run tells by the hundred are dataclasses: a model takes ten times as long to make, since it checks what
#: it is given, and a frozen one three times. They are checked when they are read back; a probe's words are before they
#: become one. Nobody changes a body.
_CONFIG = ConfigDict(extra="forbid")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Identifying(_Body):
    """Text that identifies a phone or a person. Stored encrypted; `identity` is None once its key was destroyed.

    Dumped with a context, it is what that function makes of the text.
    """

    identity: str | None

    @model_serializer
    def _dumped(self, info: SerializationInfo) -> dict[str, str | None]:
        seal: Callable[[str | None], dict[str, str | None]] | None = info.context
        return {"identity": self.identity} if seal is None else seal(self.identity)


#: A measured value as kept: numbers as scaled integers, identities apart from plain text.
Held = Quantity | Identifying | bool | str | tuple[str, ...]


class DeviceSeen(_Body):
    """The phone as it was reached when the run was opened."""

    slot: int
    transport: str
    port: str
    serial: Identifying
    imeis: tuple[Identifying, ...] = ()
    manufacturer: str = ""
    model: str = ""
    platform: str = "android"
    os_version: str = ""
    build: str = ""
    simulated: bool = False


# --- the bench -------------------------------------------------------------------------------------------------------


class EngineStarted(_Body):
    """An engine took the data folder; `checklists` are the digests of those that this shop may use from now on."""

    kind: Literal["engine-started"] = "engine-started"
    version: str
    pid: int
    checklists: tuple[str, ...] = ()


class DeviceIdentified(_Body):
    """A phone told who it is; only the tail of its serial is kept outside a ticket."""

    kind: Literal["device-identified"] = "device-identified"
    slot: int
    transport: str
    port: str
    model: str
    serial_tail: str


class DeviceLost(_Body):
    """A phone is not there any more."""

    kind: Literal["device-lost"] = "device-lost"
    slot: int
    port: str


class KeyTried(_Body):
    """A person's key was tried; `outcome` is a `station.people.Outcome`."""

    kind: Literal["pin-tried"] = "pin-tried"
    person: str
    key_id: str
    outcome: str
    failures: int
    at_ms: int


class ClockJudged(_Body):
    """The station's clock is believed otherwise from a record on than in the record before.

    `behind_ms` is how far the wall clock is behind that earlier record (negative: it went on).
    """

    kind: Literal["clock-judged"] = "clock-judged"
    before: Literal["anchored", "free-running", "suspect"]
    now: Literal["anchored", "free-running", "suspect"]
    behind_ms: int
    seq: int


class LedgerOlder(_Body):
    """This data folder lacks records that were seen on this computer: an old copy was put in its place.

    `lost` is how many are missing at least, `seq` the newest record that is here.
    """

    kind: Literal["ledger-older"] = "ledger-older"
    lost: int
    seq: int


# --- the ticket ------------------------------------------------------------------------------------------------------


class TicketRegistered(_Body):
    """A request was taken down; the phone may not be here yet. Its serial and IMEIs, as far as they were told.

    `symptoms`: the complaint's codes.
    """

    kind: Literal["ticket-registered"] = "ticket-registered"
    person: str
    model: str
    complaint: str
    serial: Identifying | None = None
    imeis: tuple[Identifying, ...] = ()
    symptoms: tuple[str, ...] = ()


class TicketOpened(_Body):
    """A phone was taken in. Customer's name and number are not here but in the erasable table.

    `test_consent`: the customer agreed to tests, and with them to changes that are undone.
    """

    kind: Literal["ticket-opened"] = "ticket-opened"
    person: str
    model: str
    serial: Identifying
    imeis: tuple[Identifying, ...]
    complaint: str
    appearance: str
    accessories: str
    test_consent: bool = False


class PhoneChanged(_Body):
    """A board or the whole unit was exchanged: from now on the ticket's phone has these identities."""

    kind: Literal["phone-changed"] = "phone-changed"
    person: str
    serial: Identifying
    imeis: tuple[Identifying, ...]


class Sealed(_Body):
    """A record went into the ledger: kind, digest of its envelope, and what it refers to.

    `station`: the other station that stated it, where it came with a bundle; then `seq` is its place there.
    """

    kind: Literal["sealed"] = "sealed"
    record: str
    digest: str
    seq: int
    person: str
    run: str = ""
    stage: str = ""
    target: str = ""
    role: str = ""
    meaning: str = ""
    decision: str = ""
    station: str = ""


class CodeTried(_Body):
    """A one-time code was typed; `code` is the digest of the record of the one that was sent.

    What was typed is not kept: most wrong ones are nearly right.
    """

    kind: Literal["code-tried"] = "code-tried"
    code: str
    person: str
    right: bool


class ReleaseRefused(_Body):
    """A release was asked for and refused, with all reasons."""

    kind: Literal["release-refused"] = "release-refused"
    person: str
    reasons: tuple[Words, ...]


class EvidenceViewed(_Body):
    """Somebody looked at raw evidence."""

    kind: Literal["evidence-viewed"] = "evidence-viewed"
    sha256: str
    name: str
    person: str


# --- the run ---------------------------------------------------------------------------------------------------------


class RunOpened(_Body):
    """A run began: with the resolved checklist verbatim, and where each probe came from.

    `checklist_name` is the id or the file that was asked for: a resume looks there whether it is still the same.
    `consented`: whoever started the run had the consent to change something on the phone and undo it.
    """

    kind: Literal["run-opened"] = "run-opened"
    stage: Stage
    person: str
    device: DeviceSeen
    checklist: dict[str, Any]
    checklist_sha256: str
    checklist_name: str = ""
    probes: dict[str, str]
    only: tuple[str, ...] = ()
    confirms: str | None = None
    bench: dict[str, Any] = Field(default_factory=dict)
    consented: bool = False


class RunResumed(_Body):
    """An open run went on, after a crash, a lost phone or for a retest; `device` is the phone as reached now."""

    kind: Literal["run-resumed"] = "run-resumed"
    person: str
    device: DeviceSeen
    checks: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class AttemptStarted:
    """A try of a check began."""

    __pydantic_config__ = _CONFIG

    attempt: str
    check: str
    n: int
    kind: Literal["attempt-started"] = "attempt-started"


@dataclass(slots=True, kw_only=True)
class Reads:
    """One command of a batch was answered, whole or not; `sha256` names the raw answer in the evidence.

    `failure` is the driver's code when the answer is not whole. `started_ms` and `ms` are on the phone's clock.
    Without a `media_type` an earlier version told it, which attached the answer by an event of its own.
    """

    __pydantic_config__ = _CONFIG

    attempt: str
    name: str
    sha256: str
    bytes: int
    exit_code: int | None
    started_ms: int
    ms: int
    failure: str = ""
    media_type: str = ""
    kind: Literal["reads"] = "reads"


@dataclass(slots=True, kw_only=True)
class Attached:
    """Raw evidence was kept."""

    __pydantic_config__ = _CONFIG

    attempt: str
    name: str
    sha256: str
    bytes: int
    media_type: str
    kind: Literal["attached"] = "attached"


class Prompted(_Body):
    """A person was asked."""

    kind: Literal["prompted"] = "prompted"
    attempt: str
    prompt: str
    asked: str
    title: Words
    steps: tuple[Words, ...]
    choices: tuple[tuple[str, Words, str], ...]
    ends_ms: int


class Answered(_Body):
    """A prompt ended: answered, skipped, timed out, or taken away."""

    kind: Literal["answered"] = "answered"
    attempt: str
    prompt: str
    outcome: Literal["answered", "skipped", "timed-out", "withdrawn"]
    value: Identifying | str | None = None
    note: str = ""
    person: str = ""


@dataclass(slots=True, kw_only=True)
class Measured:
    """A value was measured and judged."""

    __pydantic_config__ = _CONFIG

    attempt: str
    name: str
    value: Held
    unit: str
    source: str
    verdict: Verdict
    reason: Words | None
    limit: dict[str, Any] | None
    baseline: Held | None
    kind: Literal["measured"] = "measured"


@dataclass(slots=True, kw_only=True)
class NotRead:
    """A declared value could not be had."""

    __pydantic_config__ = _CONFIG

    attempt: str
    name: str
    reason: Words
    source: str
    kind: Literal["unread"] = "unread"


class PhoneWriting(_Body):
    """Something is about to be changed on the phone; `undo` is owed from now on, by whoever sees that phone again.

    `change` names it for good. `undo` is a line for the phone's shell; `port` is a port of the phone that was led to
    the bench and has to be closed.
    """

    kind: Literal["phone-writing"] = "phone-writing"
    attempt: str
    change: str
    name: str
    what: Words
    do: str
    undo: str
    serial: Identifying
    imeis: tuple[Identifying, ...] = ()
    model: str = ""
    port: int = 0


class PhoneRestored(_Body):
    """A change was undone; `at` says when: as the attempt ended, or later on the phone seen again."""

    kind: Literal["phone-restored"] = "phone-restored"
    attempt: str
    change: str
    at: Literal["attempt", "later"] = "attempt"


class RestoreFailed(_Body):
    """A change could not be undone, and is still owed."""

    kind: Literal["restore-failed"] = "restore-failed"
    attempt: str
    change: str
    reason: Words
    side: str


class ChangeGivenUp(_Body):
    """A person said that a change will never be undone from here, and why; it is not owed any more."""

    kind: Literal["change-given-up"] = "change-given-up"
    attempt: str
    change: str
    person: str
    reason: str


@dataclass(slots=True, kw_only=True)
class AttemptEnded:
    """A try of a check ended. `side` says whose trouble it was when it was one."""

    __pydantic_config__ = _CONFIG

    attempt: str
    ending: Ending
    verdict: Verdict
    reason: Words | None = None
    finding: str | None = None
    side: str | None = None
    kind: Literal["attempt-ended"] = "attempt-ended"


class RunFinished(_Body):
    """The run came to its end, or stopped early for `reason`."""

    kind: Literal["run-finished"] = "run-finished"
    reason: Words | None = None


class RunAborted(_Body):
    """A person stopped the run."""

    kind: Literal["run-aborted"] = "run-aborted"
    person: str
    reason: str


Body = Annotated[
    EngineStarted
    | DeviceIdentified
    | DeviceLost
    | KeyTried
    | ClockJudged
    | LedgerOlder
    | TicketRegistered
    | TicketOpened
    | PhoneChanged
    | Sealed
    | CodeTried
    | ReleaseRefused
    | EvidenceViewed
    | RunOpened
    | RunResumed
    | AttemptStarted
    | Reads
    | Attached
    | Prompted
    | Answered
    | Measured
    | NotRead
    | PhoneWriting
    | PhoneRestored
    | RestoreFailed
    | ChangeGivenUp
    | AttemptEnded
    | RunFinished
    | RunAborted,
    Field(discriminator="kind"),
]

BODY: TypeAdapter[Body] = TypeAdapter(Body)


#: By kind of event the texts that may tell of a customer, and the digests of evidence: the SHA-256 of what holds an
#: IMEI and little else is found again by trying every number. They are stored encrypted.
PRIVATE: Mapping[str, tuple[str, ...]] = {
    "ticket-registered": ("complaint",),
    "ticket-opened": ("complaint", "appearance", "accessories"),
    "reads": ("sha256",),
    "attached": ("sha256",),
    "evidence-viewed": ("sha256", "name"),
    "answered": ("value", "note"),
    "measured": ("value", "baseline", "reason"),
    "unread": ("reason",),
    "attempt-ended": ("reason",),
    "run-aborted": ("reason",),
    "change-given-up": ("reason",),
}


def fields_of(body: Body) -> dict[str, Any]:
    """The fields of a body by name, each as it is."""
    return {**body.__dict__} if isinstance(body, BaseModel) else {name: getattr(body, name) for name in body.__slots__}


class Event(NamedTuple):
    """One thing that happened.

    A tuple, since a run makes hundreds: a frozen dataclass takes several times as long to make.

    Attributes:
        seq: place in the journal; 0 while it is not stored yet.
        ticket: ticket number; empty for a dry run and for the bench itself.
        run: run id; empty for what belongs to no run.
        wall_ms: milliseconds since 1970 (UTC) by the station's clock.
        mono_ns: nanoseconds on the monotonic clock of this boot.
        boot_id: which boot `mono_ns` belongs to.
        body: what happened.
    """

    seq: int
    ticket: str
    run: str
    wall_ms: int
    mono_ns: int
    boot_id: str
    body: Body
