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
    "MAIN",
    "AmendV1",
    "AttemptV1",
    "Clock",
    "Commitment",
    "Common",
    "ConsentV1",
    "DeclinedV1",
    "DeviceRef",
    "EsdV1",
    "EvidenceRef",
    "HeadRef",
    "HeadV1",
    "IdentityV1",
    "IntakeV1",
    "KeyEventV1",
    "KeyV1",
    "Made",
    "ManualStepV1",
    "ManualV1",
    "Meaning",
    "MeasurementV1",
    "PartUseV1",
    "PlanV1",
    "PlannedPartV1",
    "PriceLineV1",
    "PriceListRefV1",
    "PromptV1",
    "Quantity",
    "ReceiptRow",
    "ReceiptV1",
    "RefusedRow",
    "ReleaseV1",
    "RepairV1",
    "RiskV1",
    "Role",
    "RoleV1",
    "RunV1",
    "Signed",
    "SignoffV1",
    "Software",
    "SystemCheckV1",
    "TextV1",
    "UnreadV1",
    "WaiverV1",
]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Millis = Annotated[int, Field(ge=0, lt=2**53)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
FreeText = Annotated[str, Field(max_length=4000)]
Reason = Annotated[str, Field(min_length=1, max_length=2000)]
Seq = Annotated[int, Field(ge=1, lt=2**53)]
#: A sum in hundredths of a currency.
Fen = Annotated[int, Field(ge=0, lt=2**53)]

#: What a person may be. An auditor reads everything and signs nothing; `head-office` may inspect for a shop of one.
Role = Literal["receptionist", "technician", "inspector", "parts-keeper", "lead", "head-office", "auditor"]

#: What a person says by signing: did it, checked it again, lets it go, goes on in spite of it, corrects it.
Meaning = Literal["performed", "verified", "approved", "waived", "amended"]


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
    """HMAC-SHA-256 of an identity under the ticket's salt; erasing the salt makes it meaningless."""

    commitment: Sha256


class Clock(Statement):
    """The station's clock when the record was made.

    `state`: `anchored` (a receipt or signed server time was seen in this boot), `free-running`, or `suspect` (it went
    back, or wall and monotonic time drifted apart by more than 2 s). `mono_ms` is monotonic time in milliseconds:
    nanoseconds would leave the integers of a record (2^53) after 104 days without a restart.
    """

    wall_ms: Millis
    mono_ms: Millis
    boot_id: Name
    state: Literal["anchored", "free-running", "suspect"]


class Software(Statement):
    """What made the record."""

    version: Name
    sha256: Sha256


class Made(Statement):
    """What every record of a station carries. `anchor` is the digest of the last receipt: the record is not older."""

    shop: Name
    station: Name
    simulated: bool
    anchor: Sha256 | None
    clock: Clock
    software: Software


class Common(Made):
    """What every record of a ticket carries."""

    ticket: Name


class Signed(Common):
    """A record that a person signs with their own key, and what they say by it.

    Attributes:
        person, printed_name: who, by id and as printed on papers; both as enrolled.
        role: what they sign as; the roster says whether they might at `signed_ms`.
        meaning: what they say by signing.
        key_level: how the key is kept: 1 under a PIN, 2 in a token, 3 in a FIDO2 token.
        signed_ms: when, by the station's clock.
    """

    person: Name
    printed_name: Name
    role: Role
    meaning: Meaning
    key_level: int = Field(ge=1, le=3)
    signed_ms: Millis


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
    """One measurement as judged.

    `limit` is the limit of the resolved checklist as `checklists.canonical.dump_model` gives it, or null (`info`).
    `baseline` is the value that a relative limit was judged against, so that anyone can judge again.
    """

    name: Name
    value: Quantity | Commitment | bool | str | tuple[str, ...]
    verdict: Verdict
    reason: TextV1 | None
    limit: dict[str, Any] | None
    baseline: Quantity | Commitment | bool | str | tuple[str, ...] | None
    source: str = Field(max_length=400)


class UnreadV1(Statement):
    """A measurement that could not be had, and why."""

    name: Name
    reason: TextV1
    source: str = Field(max_length=400)


class EvidenceRef(Statement):
    """Raw bytes, by the commitment to their SHA-256 (in hex) under the ticket's salt, as kind `evidence`.

    Never the digest itself: what holds an IMEI and little else is found again from it by trying every number.
    """

    name: Name
    content: Commitment
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
    health check said (`well` and the lines that were not), and what the reference phones of the model gave when the run
    began (`reference`, see `checklists.reference.table`), where the shop has any.
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


class IdentityV1(Statement):
    """One identity of the phone, as a commitment: `kind` is `imei`, `serial`, `meid`, ..."""

    kind: Name
    value: Commitment


class IntakeV1(Common):
    """The phone in hand.

    Attributes:
        person: who took it in; signs it off with the meaning `performed`.
        phone: commits to the phone's identity (IMEI, else serial); the subject of every record of the ticket.
        identities: each identity that was read or typed.
        customer: commitments to the customer's name, number, ... by what they are.
        manufacturer, model: as printed or typed.
        complaint: the customer's words; symptoms: their codes.
        appearance, accessories: what was seen and what was handed over.
        data_notice: the customer was told about data and backup.
        test_consent: the customer agreed to testing.
        evidence: photos and papers by digest.
    """

    person: Name
    phone: Commitment
    identities: tuple[IdentityV1, ...]
    customer: tuple[IdentityV1, ...]
    manufacturer: str = Field(max_length=200)
    model: str = Field(max_length=200)
    complaint: FreeText
    symptoms: tuple[Name, ...]
    appearance: FreeText
    accessories: FreeText
    data_notice: bool
    test_consent: bool
    evidence: tuple[EvidenceRef, ...]
    received_ms: Millis


class PlannedPartV1(Statement):
    """A part that the plan exchanges.

    Attributes:
        part: its kind (`battery`, ...); number: the part number, as it is ordered and kept in stock.
        changes: the identity measurements that may differ afterwards, as `check-id:measurement`.
        remedy: the repair that it is for.
        quantity: how many.
        genuine: the maker's own part; None: nothing is said.
    """

    part: Name
    number: str = Field(max_length=200)
    changes: tuple[Name, ...]
    remedy: str = Field(default="", max_length=200)
    quantity: int = Field(default=1, ge=1, le=1000)
    genuine: bool | None = None


class DeclinedV1(Statement):
    """A fault found at intake that the customer chose not to repair."""

    check: Name
    finding: str | None = Field(max_length=200)
    note: FreeText


class PriceLineV1(Statement):
    """One line of the price.

    Attributes:
        kind: labour, a part, or an examination without repair.
        what: the repair's id or the part's number; name: as the customer reads it.
        quantity, unit_fen, sum_fen: `sum_fen` is `quantity` x `unit_fen`, in hundredths of the plan's currency.
        payer: who pays for it; only the customer's lines are in the plan's price.
        listed: the price stands in the published price list; `why` says where it comes from when it does not.
    """

    kind: Literal["labour", "part", "examination"]
    what: Name
    name: TextV1
    quantity: int = Field(ge=1, le=1000)
    unit_fen: Fen
    sum_fen: Fen
    payer: Literal["customer", "warranty", "shop"]
    listed: bool
    why: FreeText


class PriceListRefV1(Statement):
    """The published price list that a plan was priced by; `example`: the one that comes with a simulated station."""

    id: Name
    version: int = Field(ge=1)
    sha256: Sha256
    example: bool


class ManualV1(Statement):
    """The service manual that a repair follows, and its steps in the order in which they are done."""

    title: Name
    version: Name
    steps: tuple[Reason, ...] = Field(min_length=1)


class RiskV1(Statement):
    """A risk of a plan as the customer reads it; the consent confirms each by its `id`."""

    id: Name
    text: TextV1


class PlanV1(Common):
    """The repair plan: cause, remedy, parts, price. `price_fen` is in hundredths of the currency (ISO 4217).

    Its digest freezes it: a consent is to exactly one plan, and whatever changes needs another plan.

    Attributes:
        diagnosis: the diagnosis that it stands on; `replaces`: the plan before it.
        remedies: the repairs, by their ids, in the order in which they are tried; none: nothing is repaired.
        lines: the price, line by line; their sum over the customer's lines is `price_fen`.
        price_list: the list that the listed lines are from.
        warranty: the warranty decision behind the lines that warranty pays.
        minutes: the standard time of all repairs together.
        promised_ms: when it was promised to be ready.
        manual: what the work follows.
        risks: what the customer confirms one by one.
        unrepaired: what else was noticed and is left as it is.
    """

    person: Name
    cause: FreeText
    remedy: FreeText
    parts: tuple[PlannedPartV1, ...]
    declined: tuple[DeclinedV1, ...]
    price_fen: int = Field(ge=0, lt=2**53)
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    diagnosis: Sha256 | None = None
    replaces: Sha256 | None = None
    remedies: tuple[Name, ...] = ()
    lines: tuple[PriceLineV1, ...] = ()
    price_list: PriceListRefV1 | None = None
    warranty: Sha256 | None = None
    minutes: int = Field(default=0, ge=0, lt=2**31)
    promised_ms: Millis | None = None
    manual: ManualV1 | None = None
    risks: tuple[RiskV1, ...] = ()
    unrepaired: FreeText = ""


class ConsentV1(Common):
    """The customer's word on one exact plan. `person` took it down; `proof` is a signature's picture, a call, ...

    Attributes:
        plan: the digest of the plan.
        decision: only `agreed` lets anyone repair; `return-unrepaired` and `observe` are ways to go as well.
        by: who gave it.
        confirmed: the ids of the plan's risks, each confirmed singly.
        witness: who of the shop heard it besides `person`, for `in-person`.
        code: for `one-time-code`: the record that holds the code's commitment.
        name: for `typed`: commitment to the name that was typed as a signature.
        old_parts: where the customer wants the parts that come out; `unsaid`: nobody asked.
        note: the customer's reason or condition.
    """

    person: Name
    plan: Sha256
    way: Literal["in-person", "signature", "typed", "one-time-code", "call"]
    proof: EvidenceRef | None
    given_ms: Millis
    decision: Literal["agreed", "refused", "return-unrepaired", "observe"] = "agreed"
    by: Literal["owner", "bringer", "collector"] = "owner"
    confirmed: tuple[Name, ...] = ()
    witness: str | None = Field(default=None, max_length=200)
    code: Sha256 | None = None
    name: IdentityV1 | None = None
    old_parts: Literal["customer", "shop", "unsaid"] = "unsaid"
    note: FreeText = ""


class PartUseV1(Common):
    """A part that went into the phone. `person` fitted it, `issued_by` handed it out.

    Attributes:
        serial, old_serial: commitments of the kind `serial`.
        reported: the new serial as the phone would report it: for each `check-id:measurement` that the plan lets
            change, its commitment of that measurement's kind, so that a later run can be compared with it.
        quantity: how many; more than one only without a serial.
        plan, order: the consented plan, and the parts order that reserved it.
        batch: of the delivery that it came in.
        genuine: what is known of where it comes from; `proof`: the label, delivery note or photo of it.
        old_part: where the part that came out goes.
        stocked: it was taken from the stock table.
    """

    person: Name
    issued_by: Name | None
    part: Name
    number: str = Field(max_length=200)
    serial: Commitment | None
    old_serial: Commitment | None
    note: FreeText
    reported: tuple[IdentityV1, ...] = ()
    quantity: int = Field(default=1, ge=1, le=1000)
    plan: Sha256 | None = None
    order: Sha256 | None = None
    batch: str = Field(default="", max_length=200)
    genuine: Literal["maker", "compatible", "used", "unknown"] = "unknown"
    genuine_proof: str = Field(default="", max_length=400)
    proof: EvidenceRef | None = None
    old_part: Literal["customer", "maker", "shop", "destroyed", "none", "unsaid"] = "unsaid"
    stocked: bool = False


class ManualStepV1(Statement):
    """One step of the manual: done, or left out for a reason that stands in `note`."""

    text: Reason
    done: bool
    note: FreeText


class EsdV1(Statement):
    """The wrist-strap test before the work: the resistance to ground through the person, and the limits."""

    resistance: Quantity
    most: Quantity
    source: str = Field(max_length=400)
    least: Quantity | None = None


class SystemCheckV1(Statement):
    """What the phone said after the maker's system was installed again: in `run`, its build and its lock."""

    run: Sha256
    build: str = Field(max_length=400)
    verified_boot: Name
    list_version: Name


class RepairV1(Common):
    """What was done. `new_phone` is set when the repair changed the identity (board swap): it binds old and new.

    Attributes:
        plan: the consented plan.
        remedies: the repairs that were done, by their ids.
        steps: the manual's steps in order.
        esd: the wrist-strap test; None where nothing was opened.
        screws_out, screws_in: how many were taken out and put back; None where nothing was opened.
        sealed: what was renewed: tape, water seal, screw seal.
        system: after an installation of the system, what the phone said of it.
        new_identities: the new phone's identities.
    """

    person: Name
    remedy: FreeText
    remedies: tuple[Name, ...]
    new_phone: Commitment | None
    ended_ms: Millis
    plan: Sha256 | None = None
    steps: tuple[ManualStepV1, ...] = ()
    esd: EsdV1 | None = None
    screws_out: int | None = Field(default=None, ge=0, le=1000)
    screws_in: int | None = Field(default=None, ge=0, le=1000)
    sealed: tuple[Literal["tape", "water-seal", "screw-seal"], ...] = ()
    system: SystemCheckV1 | None = None
    new_identities: tuple[IdentityV1, ...] = ()


class SignoffV1(Signed):
    """A person's signature over another record of the same ticket: `target` is that record's digest."""

    target: Sha256
    target_kind: Name
    note: FreeText


class WaiverV1(Signed):
    """A lead's reason to go on in spite of a fail or a check not run.

    `waiver`: `concession` (a fail, 让步放行), `not-run` (a check not run, 特批免检) or `no-cross-check` (the
    cross-check itself, 特批免检). `checks` and `runs` (digests) say exactly what it covers; `no-cross-check` names the
    self-check run.
    """

    waiver: Literal["concession", "not-run", "no-cross-check"]
    checks: tuple[Name, ...]
    runs: tuple[Sha256, ...] = Field(min_length=1)
    reason: Reason


class ReleaseV1(Signed):
    """The phone may be handed back: `approved`. Lists the digests of everything the decision stands on."""

    decision: Literal["released", "released-with-waiver"]
    phone: Commitment
    intake: Sha256
    self_run: Sha256
    performed: Sha256
    cross_run: Sha256 | None
    verified: Sha256 | None
    consent: Sha256 | None
    waivers: tuple[Sha256, ...]


class AmendV1(Signed):
    """A later correction; the original stays. A `void` record does not count any more, a `correct`ed one does."""

    kind: Literal["void", "correct"]
    target: Sha256
    replacement: Sha256 | None
    reason: Reason


class KeyV1(Statement):
    """A public key: `public` is the raw key in hex, `id` the SHA-256 of the raw key; `level` as in `Signed`."""

    algorithm: Literal["ed25519"]
    public: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    id: Sha256
    level: int = Field(ge=1, le=3)


class RoleV1(Statement):
    """A role and when it is valid: `from_ms` <= time < `to_ms` (None: open)."""

    role: Role
    from_ms: Millis
    to_ms: Millis | None


class KeyEventV1(Made):
    """Something that happened to the key of a station or a person.

    `event`: `enrol` (first key), `rotate` (new key, `replaces` the old), `retire` (ends; what was signed stays good),
    `revoke` and `compromise` (ends at `at_ms`; only a head-office receipt from before shows that a signature is older),
    `roles` (the roles from `at_ms` on). `approved_by` is the lead's person id, or the station's id where the station
    itself may approve. `key` is the key it is about (for `roles`: the person's current key).
    """

    event: Literal["enrol", "rotate", "retire", "revoke", "compromise", "roles"]
    kind: Literal["station", "person"]
    holder: Name
    printed_name: Name
    roles: tuple[RoleV1, ...]
    key: KeyV1
    replaces: Sha256 | None
    approved_by: Name
    at_ms: Millis
    reason: str = Field(max_length=2000)


class HeadV1(Made):
    """The RFC 6962 Merkle head over the digests of the first `size` records.

    `peaks` are the roots of the complete subtrees, largest first: with them and the digests that follow anyone can
    compute a later root, so that each head proves itself consistent with the one before.
    """

    size: Seq
    root: Sha256
    peaks: tuple[Sha256, ...]


class HeadRef(Statement):
    """A head that head office has seen."""

    size: Seq
    root: Sha256


class ReceiptRow(Statement):
    """One record: its place in the station's ledger and its digest."""

    seq: Seq
    digest: Sha256


class RefusedRow(ReceiptRow):
    """A record that head office did not take, and why."""

    reason: TextV1


class ReceiptV1(Statement):
    """Head office's signed acknowledgement, with its own time.

    Attributes:
        head_office: its id.
        shop, station, simulated: whose records.
        acknowledged: stored and good (also when they were sent before).
        refused: poison records with reasons; they do not block the rest.
        quarantined: same seq, other digest: both are kept and somebody must look.
        next_expected: the lowest seq that head office does not have.
        head: the newest head of this station that head office has seen, else None.
        received_ms: head office's time; not before: none of the records is younger.
    """

    head_office: Name
    shop: Name
    station: Name
    simulated: bool
    acknowledged: tuple[ReceiptRow, ...]
    refused: tuple[RefusedRow, ...]
    quarantined: tuple[ReceiptRow, ...]
    next_expected: Seq
    head: HeadRef | None
    received_ms: Millis


#: The kinds of the main way, by the name in the predicate type; `reports.kinds` has them all.
MAIN: dict[str, type[Statement]] = {
    "intake/v1": IntakeV1,
    "run/v1": RunV1,
    "plan/v1": PlanV1,
    "consent/v1": ConsentV1,
    "part-use/v1": PartUseV1,
    "repair/v1": RepairV1,
    "signoff/v1": SignoffV1,
    "waiver/v1": WaiverV1,
    "release/v1": ReleaseV1,
    "amend/v1": AmendV1,
    "key-event/v1": KeyEventV1,
    "head/v1": HeadV1,
    "receipt/v1": ReceiptV1,
}
