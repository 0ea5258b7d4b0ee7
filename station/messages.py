"""What crosses between the engine and whoever attaches to it: versioned snapshots down, typed commands up.

One JSON object a line over a local socket. The engine never waits for a reader; a reader that misses a version simply
takes the next. Text from outside in these models has already passed `safe_text`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from drivers.text import Words

__all__ = [
    "COMMAND",
    "PROTOCOL",
    "REPLY",
    "AbortRun",
    "AddToStudy",
    "AnswerPrompt",
    "BenchSnapshot",
    "Call",
    "Card",
    "CardStatus",
    "ChangeRow",
    "ChangesQuery",
    "CheckRow",
    "ClocksQuery",
    "CloseRun",
    "Command",
    "CommitRecord",
    "DropReference",
    "DueQuery",
    "EvidenceQuery",
    "ExportReference",
    "FindDevice",
    "FlushOutbox",
    "Gauged",
    "GiveUpChange",
    "Hello",
    "ImportReference",
    "Intake",
    "MoveStock",
    "NewStudy",
    "NewTicket",
    "Ok",
    "OutboxQuery",
    "OutboxRow",
    "OutboxView",
    "PrepareRelease",
    "PrepareSignoff",
    "PromptView",
    "ReferenceQuery",
    "Refusal",
    "Reply",
    "ReportUnlock",
    "ResumeRun",
    "Retest",
    "RunQuery",
    "RunView",
    "SessionView",
    "SkipPrompt",
    "StartRun",
    "StatusQuery",
    "StockQuery",
    "StopEngine",
    "StudyQuery",
    "TakeReference",
    "TicketQuery",
    "TicketView",
    "TicketsQuery",
    "TodoRow",
    "UndoChanges",
    "Watch",
]


class Message(BaseModel):
    """Base of everything that crosses the socket.

    A model is built at its first use: building all of them would hold up the screen's first snapshot.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


# --- snapshots: engine to screen -------------------------------------------------------------------------------------


class CardStatus(StrEnum):
    """What a slot shows; signs and colours are in the screen's theme."""

    EMPTY = "empty"
    IDENTIFYING = "identifying"
    READY = "ready"
    RUNNING = "running"
    YOUR_TURN = "your-turn"
    PASS = "pass"  # noqa: S105
    WARN = "warn"
    FAIL = "fail"
    NOT_RUN = "not-run"
    LOST = "lost"
    BLOCKED = "blocked"


class Card(Message):
    """One slot of the overview. `marks` has one verdict word per check of the run, `""` for not yet, `">"` for now.

    `notice` is something to know of this phone whatever its status: changes of ours that are still on it.
    """

    slot: int
    status: CardStatus
    device: str = ""
    model: str = ""
    serial_tail: str = ""
    ticket: str = ""
    headline: Words
    next_step: Words | None = None
    marks: tuple[str, ...] = ()
    done: int = 0
    total: int = 0
    since_ms: int = 0
    simulated: bool = False
    notice: Words | None = None


class TodoRow(Message):
    """Something that waits for a person, sorted by how long it has waited."""

    slot: int | None
    ticket: str
    model: str
    what: Words
    since_ms: int


class BenchSnapshot(Message):
    """The whole bench at one moment. `version` only grows; `troubles` are transports that cannot see phones."""

    type: Literal["bench"] = "bench"
    version: int
    station: str
    shop: str
    simulated: bool
    cards: tuple[Card, ...]
    todo: tuple[TodoRow, ...]
    links: dict[str, Words]
    troubles: tuple[Words, ...]
    outbox: int
    rejected: int
    now_ms: int


class PromptView(Message):
    """An open prompt, ready to show."""

    slot: int
    attempt: str
    id: str
    kind: Literal["choice", "verdict", "text", "wait"]
    check_title: Words
    title: Words
    steps: tuple[Words, ...]
    choices: tuple[tuple[str, Words, str], ...]
    asked_ms: int
    ends_ms: int


class CheckRow(Message):
    """One line of the running checklist. `state`: `waiting`, `running`, `your-turn`, or `ended`.

    `measured` and `limit` are of the measurement that decided, `measure` is what that is called; `evidence`: name and
    SHA-256 of the raw bytes kept by its attempts, to be asked for by `EvidenceQuery`.
    """

    id: str
    title: Words
    layer: Literal["soft", "hard"]
    required: bool
    state: Literal["waiting", "running", "your-turn", "ended"]
    ending: str | None = None
    verdict: str | None = None
    reason: Words | None = None
    side: str | None = None
    finding: str | None = None
    attempts: int = 0
    failed_before: bool = False
    measure: Words | None = None
    measured: str = ""
    limit: Words | str = ""
    seconds: float = 0.0
    evidence: tuple[tuple[str, str], ...] = ()


class RunView(Message):
    """A run as its journal says. `state`: `running`, `finished` (not sealed yet), `sealed`.

    `stopped` says why it ended early; `resumable` are the checks that `ResumeRun` would run now.
    """

    run: str
    ticket: str
    stage: str
    checklist: str
    checklist_title: Words
    person: str
    state: Literal["running", "finished", "sealed"]
    started_ms: int
    ended_ms: int | None
    checks: tuple[CheckRow, ...]
    summary: dict[str, int]
    record: str | None = None
    signed_by: str | None = None
    checklist_sha256: str = ""
    stopped: Words | None = None
    resumable: tuple[str, ...] = ()


class TicketView(Message):
    """A ticket as its journal and records say. `state` is one of the vocabulary's ticket states.

    `left`: what is changed on its phone and not undone yet.
    """

    ticket: str
    state: str
    state_words: Words
    model: str
    imei_tail: str
    complaint: str
    opened_ms: int
    runs: tuple[RunView, ...]
    records: tuple[dict[str, Any], ...]
    release: str | None
    release_reasons: tuple[Words, ...]
    left: tuple[Words, ...] = ()


class SessionView(Message):
    """One slot in detail: sent at each change to whoever watches the slot."""

    type: Literal["session"] = "session"
    version: int
    slot: int
    card: Card
    identity: dict[str, str]
    ticket: TicketView | None
    run: RunView | None
    prompt: PromptView | None
    log: tuple[str, ...]


# --- commands: screen to engine --------------------------------------------------------------------------------------


class Watch(Message):
    """Send the session of this slot at each change (None: stop)."""

    command: Literal["watch"] = "watch"
    slot: int | None


class NewTicket(Message):
    """Register a request, before the phone is in hand. `ticket` empty: the station gives the next number."""

    command: Literal["new-ticket"] = "new-ticket"
    ticket: str = ""
    model: str = ""
    complaint: str = ""
    customer_name: str = ""
    customer_phone: str = ""
    person: str


class Intake(Message):
    """Take a phone in and write its intake record.

    `ticket`: a registered one, a number of your own, or empty: the station gives the next number.
    """

    command: Literal["intake"] = "intake"
    ticket: str = ""
    slot: int | None = None
    imei: str = ""
    serial: str = ""
    model: str = ""
    complaint: str = ""
    appearance: str = ""
    accessories: str = ""
    customer_name: str = ""
    customer_phone: str = ""
    data_notice_confirmed: bool = False
    test_consent: bool = False
    person: str


class StartRun(Message):
    """Start one run. `ticket` empty: a dry run that writes nothing to the ledger.

    `consented`: the customer agreed to changes on the phone that are undone; else the run asks before the first.
    """

    command: Literal["start-run"] = "start-run"
    slot: int
    ticket: str
    checklist: str
    stage: str
    person: str
    only: tuple[str, ...] = ()
    consented: bool = False


class AnswerPrompt(Message):
    """Answer the open prompt of a slot; refused when another prompt is open by now."""

    command: Literal["answer"] = "answer"
    slot: int
    attempt: str
    prompt: str
    value: str
    note: str = ""
    person: str


class SkipPrompt(Message):
    """Skip the open prompt's check with a reason."""

    command: Literal["skip"] = "skip"
    slot: int
    attempt: str
    prompt: str
    reason: str
    person: str


class Retest(Message):
    """Try a check of a run that is not sealed again; attempts are only added.

    `confirmed`: somebody was asked, which is needed beyond the check's own number of attempts and for probes that must
    not be repeated blindly.
    """

    command: Literal["retest"] = "retest"
    run: str
    check: str
    person: str
    confirmed: bool = False


class ResumeRun(Message):
    """Go on with a run that was interrupted, lost its phone or was stopped: what is left is run, nothing is redone.

    Refused when the checklist's file is not the one that the run began with.
    """

    command: Literal["resume-run"] = "resume-run"
    run: str
    person: str


class AbortRun(Message):
    """Stop a run: what is open ends as aborted, what has not started stays not run."""

    command: Literal["abort-run"] = "abort-run"
    run: str
    person: str
    reason: str


class CloseRun(Message):
    """Seal a finished run into a record signed by the station."""

    command: Literal["close-run"] = "close-run"
    run: str
    person: str


class PrepareSignoff(Message):
    """The bytes a person would sign over a record; the reply's data has `payload` (base64) and `statement`."""

    command: Literal["prepare-signoff"] = "prepare-signoff"
    target: str
    person: str
    role: str
    meaning: str
    note: str = ""


class ExportBundle(Message):
    """Write a ticket's bundle for the shop's other stations (or only `to`) into the file `out`, which is not there yet.

    `public`: without anything that only the shop may read, for whoever verifies it. The reply's data has `sha256`,
    `records` and `bytes`.
    """

    command: Literal["export-bundle"] = "export-bundle"
    ticket: str
    out: str
    to: str = ""
    evidence: bool = False
    public: bool = False


class ImportBundle(Message):
    """Take in a bundle from another station of the shop; the reply's data is as `station.bundles.Handing.take` says."""

    command: Literal["import-bundle"] = "import-bundle"
    path: str
    person: str = ""


class SendBundle(Message):
    """Send a ticket to another station over the network; the reply's data is as `station.lan.Lan.send` says."""

    command: Literal["send-bundle"] = "send-bundle"
    ticket: str
    to: str
    evidence: bool = False


class FetchBundle(Message):
    """Fetch a ticket from another station over the network; the reply's data is as `station.lan.Lan.fetch` says."""

    command: Literal["fetch-bundle"] = "fetch-bundle"
    ticket: str
    sender: str
    evidence: bool = False
    person: str = ""


class PeersQuery(Message):
    """Which stations of the shop answer; the reply's data is as `station.lan.Lan.peers` says."""

    command: Literal["peers"] = "peers"


class StepsQuery(Message):
    """What can be done on a ticket now; the reply's data has `steps`: id, title, about, why_not, and the form's fields.

    With an empty `ticket`: the steps that open one.
    """

    command: Literal["steps"] = "steps"
    ticket: str
    person: str


class PreviewStep(Message):
    """What a step would say; nothing is stored. The reply's data has `says` (lines) and `predicate`."""

    command: Literal["preview-step"] = "preview-step"
    step: str
    ticket: str
    person: str
    role: str = ""
    fields: dict[str, Any] = Field(default_factory=dict)


class DoStep(Message):
    """Do a step. The reply's data has `ticket`, `says`, and either `record` (sealed; `role` and `meaning` are what the
    person signs it off as) or `payload` (base64) and `statement`: signed by the person first, then stored by `commit`.
    """

    command: Literal["do-step"] = "do-step"
    step: str
    ticket: str
    person: str
    role: str = ""
    fields: dict[str, Any] = Field(default_factory=dict)


class PrepareRelease(Message):
    """What a release of the ticket would say: the reply's data has `decision`, `reasons`, `payload` (base64)."""

    command: Literal["prepare-release"] = "prepare-release"
    ticket: str
    person: str


class CommitRecord(Message):
    """Store a prepared record with the person's signature (base64); the engine adds the station's.

    `more` are further persons' (key id, signature in base64): a key event is signed by the new key and by a lead.
    """

    command: Literal["commit"] = "commit"
    payload: str
    key_id: str
    signature: str
    more: tuple[tuple[str, str], ...] = ()


class ReportUnlock(Message):
    """A person's key was tried in the process where the PIN was typed; the engine journals it.

    `outcome` is a `station.people.Outcome`: `opened`, `wrong`, `too-soon`, `locked-out` or `lock-ended`.
    """

    command: Literal["report-unlock"] = "report-unlock"
    person: str
    key_id: str
    outcome: str
    failures: int = 0
    at_ms: int


class TicketQuery(Message):
    """One ticket; the reply's data is a `TicketView`."""

    command: Literal["ticket"] = "ticket"
    ticket: str


class TicketsQuery(Message):
    """Tickets, newest first; the reply's data has `tickets`: rows of ticket, state, model, opened_ms."""

    command: Literal["tickets"] = "tickets"
    text: str = ""
    limit: int = 100


class EvidenceQuery(Message):
    """Raw evidence by digest; the reply's data has `name`, `media_type`, `base64`. The look is logged."""

    command: Literal["evidence"] = "evidence"
    sha256: str
    person: str


class OutboxQuery(Message):
    """What head office has not acknowledged; the reply's data is an `OutboxView`."""

    command: Literal["outbox"] = "outbox"


class FlushOutbox(Message):
    """Try to upload now."""

    command: Literal["flush-outbox"] = "flush-outbox"


class StopEngine(Message):
    """End the engine; `force` also while runs are open (they end as interrupted)."""

    command: Literal["stop-engine"] = "stop-engine"
    force: bool = False


class OutboxRow(Message):
    """One record that waits. `state`: `waiting`, `rejected` (with `reason`), `quarantined`; `bytes` of its envelope."""

    seq: int
    digest: str
    kind: str
    ticket: str
    state: str
    tries: int
    next_ms: int
    reason: Words | None = None
    bytes: int = 0


class OutboxView(Message):
    """The outbox and how the last tries went: oldest `rows` first, `waiting` and `rejected` count all of them.

    `trouble` and `next_step` say why nothing leaves now; `next_ms` is when the next try is due, `receipt_ms` head
    office's time in the last receipt (0: none).
    """

    rows: tuple[OutboxRow, ...]
    acknowledged: int
    head_office: str
    trouble: Words | None
    next_step: Words | None = None
    waiting: int = 0
    rejected: int = 0
    next_ms: int = 0
    receipt_ms: int = 0


class FindDevice(Message):
    """The slot of a phone by `adb:SERIAL` or any unique part of a serial or IMEI; the reply's data has `slot`.

    Waits up to `wait_s` seconds for it to be plugged in and identified.
    """

    command: Literal["find-device"] = "find-device"
    device: str
    wait_s: float = 0.0


class RunQuery(Message):
    """One run; the reply's data has `view` (a `RunView`) and `document` (the shape of `assay run --json`)."""

    command: Literal["run"] = "run"
    run: str


class ChangeRow(Message):
    """A change on a phone that is not undone: `slot` is where that phone is now, `failed` why the last try failed."""

    change: str
    what: Words
    ticket: str
    run: str
    model: str
    serial_tail: str
    slot: int | None
    made_ms: int
    failed: Words | None = None


class ChangesQuery(Message):
    """What is changed on phones and not undone; the reply's data has `changes`: a list of `ChangeRow`."""

    command: Literal["changes"] = "changes"


class UndoChanges(Message):
    """Try to undo what is left on the phone in the slot, or on all that are here; the reply is that of `ChangesQuery`.

    Waits up to `wait_s` seconds for one of those phones to be plugged in and identified.
    """

    command: Literal["undo-changes"] = "undo-changes"
    slot: int | None = None
    wait_s: float = 0.0


class GiveUpChange(Message):
    """Strike a change that will never be undone from here (the phone left, or it was undone by hand), with a reason."""

    command: Literal["give-up-change"] = "give-up-change"
    change: str
    person: str
    reason: str


class ClocksQuery(Message):
    """The service clocks of a ticket; the reply's data has `clocks`: what each shows, and `source`: by whose rule."""

    command: Literal["clocks"] = "clocks"
    ticket: str


class DueQuery(Message):
    """Follow-ups to be made, or grievances that are open; the reply's data has `due`: rows, the most urgent first."""

    command: Literal["due"] = "due"
    what: Literal["follow-ups", "grievances"]


class StockQuery(Message):
    """What is on the shelf: the reply's data has `parts` (see docs/repair.md); `number` names one part number."""

    command: Literal["stock"] = "stock"
    number: str = ""


class MoveStock(Message):
    """Move parts by hand; with `serials` one move for each. The reply's data is the part number's new level."""

    command: Literal["move-stock"] = "move-stock"
    kind: Literal["in", "reserved", "used", "defective", "returned", "count"]
    number: str
    quantity: int = 1
    person: str
    part: str = ""
    serials: tuple[str, ...] = ()
    batch: str = ""
    proof: str = ""
    ticket: str = ""
    note: str = ""


class StatusQuery(Message):
    """The engine itself; the reply's data has `pid`, `version`, `running`, `clients`, `data`."""

    command: Literal["status"] = "status"


class TakeReference(Message):
    """Keep what a finished run on a known-good phone measured; a ticket's run must be sealed.

    `fixture` None: the station's own. The reply's data has `new`, `again`, `known` (numbers of readings), `model`,
    `device` and `left_out` (checks that failed).
    """

    command: Literal["take-reference"] = "take-reference"
    run: str
    person: str
    fixture: str | None = None
    note: str = ""


class DropReference(Message):
    """Let readings not count any more: those to which all that is said here applies. The reply's data has `struck`."""

    command: Literal["drop-reference"] = "drop-reference"
    person: str
    reason: str
    model: str = ""
    check: str = ""
    measure: str = ""
    phone: str = ""
    run: str = ""
    fixture: str = ""


class ReferenceQuery(Message):
    """The reference store: with no `model` its models and changes, else that model's measurements and readings."""

    command: Literal["reference"] = "reference"
    model: str = ""


class ExportReference(Message):
    """The bytes of a file of readings, to be signed by `person` (empty: head office); data has `payload` (base64)."""

    command: Literal["export-reference"] = "export-reference"
    person: str
    models: tuple[str, ...] = ()


class ImportReference(Message):
    """Keep the readings of a signed file (`envelope` in base64); data has `new`, `again`, `known` and `signer`."""

    command: Literal["import-reference"] = "import-reference"
    envelope: str
    person: str


class NewStudy(Message):
    """Plan a repeatability study; the reply's data is the plan."""

    command: Literal["new-study"] = "new-study"
    study: str
    checklist: str
    checks: tuple[str, ...]
    people: tuple[str, ...]
    units: int
    repeats: int
    note: str = ""
    person: str


class AddToStudy(Message):
    """Put a finished run into a study. `unit` empty: the phone's own code. Data has `added` and `unit`."""

    command: Literal["add-to-study"] = "add-to-study"
    study: str
    run: str
    unit: str = ""
    person: str


class StudyQuery(Message):
    """A study's plan, runs and figures; with no name all studies."""

    command: Literal["study"] = "study"
    study: str = ""


#: What `station.gauging` does.
Gauged = (
    TakeReference
    | DropReference
    | ReferenceQuery
    | ExportReference
    | ImportReference
    | NewStudy
    | AddToStudy
    | StudyQuery
)

Command = Annotated[
    Watch
    | NewTicket
    | Intake
    | StartRun
    | AnswerPrompt
    | SkipPrompt
    | Retest
    | ResumeRun
    | AbortRun
    | CloseRun
    | PrepareSignoff
    | ExportBundle
    | ImportBundle
    | SendBundle
    | FetchBundle
    | PeersQuery
    | StepsQuery
    | PreviewStep
    | DoStep
    | PrepareRelease
    | CommitRecord
    | ReportUnlock
    | TicketQuery
    | TicketsQuery
    | EvidenceQuery
    | OutboxQuery
    | FlushOutbox
    | FindDevice
    | RunQuery
    | ChangesQuery
    | UndoChanges
    | GiveUpChange
    | ClocksQuery
    | DueQuery
    | StockQuery
    | MoveStock
    | StatusQuery
    | StopEngine
    | Gauged,
    Field(discriminator="command"),
]


class Ok(Message):
    """Done; `data` as the command says."""

    type: Literal["ok"] = "ok"
    id: int
    data: dict[str, Any] = Field(default_factory=dict)


class Refusal(Message):
    """Not done: what, whose side, what to do next. Nothing was changed."""

    type: Literal["refusal"] = "refusal"
    id: int
    code: str
    what: Words
    side: str
    next_step: Words
    exit_code: int = 3


class Hello(Message):
    """The first line of an engine to whoever attaches. Another `protocol` is not spoken to.

    `phones` is False for an engine that a command hosts to read or sign records, and that ends with it.
    """

    type: Literal["hello"] = "hello"
    protocol: int
    version: str
    pid: int
    phones: bool = True


#: Grows when a message changes so that an older screen or engine would misread it; new fields and commands do not.
PROTOCOL = 1


class Call(Message):
    """One command on its way up; the reply carries the same `id`."""

    id: int
    command: Command


Reply = Annotated[Ok | Refusal, Field(discriminator="type")]

COMMAND: TypeAdapter[Command] = TypeAdapter(Command, config=ConfigDict(defer_build=True))
REPLY: TypeAdapter[Reply] = TypeAdapter(Reply, config=ConfigDict(defer_build=True))
