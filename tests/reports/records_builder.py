"""Builds a small shop with a station, people and a ticket from intake to release, out of real keys and real records."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from checklists.canonical import checklist_sha256, dump, dump_model
from checklists.judge import judge_check, judge_measurement
from checklists.schema import Check, Checklist
from checklists.verdict import Ending, Stage, Verdict
from drivers.text import Words
from probes.api import Measurement, Unread
from reports.attest import Ed25519PrivateKey, generate_key, key_v1, open_record, public_raw, sign_envelope
from reports.ledger import add_receipt, append, create_ledger, seal_head
from reports.predicates import (
    AmendV1,
    AttemptV1,
    Clock,
    Commitment,
    ConsentV1,
    DeclinedV1,
    DeviceRef,
    HeadRef,
    IntakeV1,
    KeyEventV1,
    MeasurementV1,
    PartUseV1,
    PlannedPartV1,
    PlanV1,
    PromptV1,
    ReceiptRow,
    ReceiptV1,
    ReleaseV1,
    RepairV1,
    RoleV1,
    RunV1,
    SignoffV1,
    Software,
    Statement,
    TextV1,
    UnreadV1,
    WaiverV1,
)
from reports.record import commit, digest_of, make_statement, quantity
from reports.release import ReleaseDecision, verify_release
from reports.roster import Roster

SALT = b"0123456789abcdef"
PHONE = commit(SALT, "imei", "356938035643809")
OTHER_PHONE = commit(SALT, "imei", "490154203237518")
SOFTWARE = Software(version="0.1.0", sha256="5" * 64)
NAMES = {"wang": "Wang J. 王军", "li": "Li Wei 李伟", "chen": "Chen Q. 陈倩", "zhao": "Zhao M."}
START_MS = 1_760_000_000_000

#: A measured check, a check of a flag that a person gives, and one that is not required.
SOURCE = {"text": {"en": "made up for the test", "zh": "测试用"}, "ref": "test"}


def checklist(stage: Stage, *, drop: str = "", version: int = 1) -> Checklist:
    """A checklist of three checks for one stage."""

    def check(name: str, required: bool, limits: list[dict[str, Any]], person: bool = False) -> dict[str, Any]:
        return {
            "id": name,
            "title": {"en": name, "zh": name},
            "layer": "hard",
            "probe": {"android": "android.test"},
            "limits": limits,
            "required": required,
            "person": person,
            "finding": f"F-{name}",
        }

    health = {"measure": "health", "unit": "%", "min": 80, "warn_min": 85, "source": SOURCE}
    clean = {"measure": "clean", "unit": "flag", "equals": True, "source": SOURCE}
    volts = {"measure": "volts", "unit": "V", "max": Decimal("4.5"), "source": SOURCE}
    checks = [
        check("battery", True, [health]),
        check("display", True, [clean], person=True),
        check("charger", False, [volts]),
    ]
    content = {
        "id": f"test-{stage.value}",
        "version": version,
        "title": {"en": "Test", "zh": "测试"},
        "platform": "android",
        "stages": [stage.value],
        "checks": [one for one in checks if one["id"] != drop],
    }
    made = Checklist.model_validate({**content, "sha256": ""})
    return made.model_copy(update={"sha256": checklist_sha256(dump(made))})


def attempt(
    check: Check, value: Decimal | bool | None, *, n: int = 1, ending: Ending = Ending.COMPLETED, **also: Any
) -> AttemptV1:
    """One attempt, judged by the real judge; `value` None: not run."""
    measurements: list[MeasurementV1] = []
    unread: list[UnreadV1] = []
    limit = check.limits[0]
    verdict, reason, finding = Verdict.NONE, Words("not done", "未做"), None
    if ending is Ending.COMPLETED and value is not None:
        judged = judge_measurement(limit, Measurement(limit.measure, value), limit.unit, {})
        measurements.append(
            MeasurementV1(
                name=limit.measure,
                value=value if isinstance(value, bool) else quantity(value, limit.unit),
                verdict=judged.verdict,
                reason=None,
                limit=dump_model(limit),
                baseline=None,
                source="test",
            )
        )
        verdict, reason, finding = judge_check(check, [judged], [])
    elif ending is Ending.COMPLETED:
        unread.append(UnreadV1(name=limit.measure, reason=TextV1(en="denied", zh="被拒"), source="test"))
        verdict, reason, finding = judge_check(check, [], [Unread(limit.measure, Words("denied", "被拒"), "test")])
    if serial := also.pop("serial", None):
        measurements.append(
            MeasurementV1(
                name="serial",
                value=commit(SALT, "serial", serial),
                verdict=Verdict.INFO,
                reason=None,
                limit=None,
                baseline=None,
                source="test",
            )
        )
    fields: dict[str, Any] = {
        "check": check.id,
        "n": n,
        "ending": ending,
        "verdict": verdict,
        "reason": TextV1(en=reason.en, zh=reason.zh) if reason else None,
        "finding": finding,
        "side": None,
        "started_ms": START_MS,
        "ended_ms": START_MS + 1000,
        "measurements": tuple(measurements),
        "unread": tuple(unread),
        "evidence": (),
        "prompts": (),
    }
    return AttemptV1(**{**fields, **also})


def prompt(person: str) -> PromptV1:
    """A prompt that a person has answered."""
    text = TextV1(en="Is it clean?", zh="干净吗？")
    return PromptV1(
        id="clean",
        title=text,
        outcome="answered",
        answer="good",
        note=None,
        person=person,
        asked_ms=START_MS,
        ended_ms=START_MS + 10,
    )


@dataclass
class Shop:
    """A station with its people; every record that is made goes through `sign` with real keys."""

    simulated: bool = True
    station: str = "bench-1"
    shop: str = "shop-1"
    ticket: str = "T-0001"
    now_ms: int = START_MS
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    events: list[bytes] = field(default_factory=list)
    anchor: str | None = None
    boot: str = "boot-1"

    def __post_init__(self) -> None:
        self.keys[self.station] = generate_key()
        self.events.append(self.key_event("enrol", self.station, signers=(self.station,), kind="station"))
        self.enrol("zhao", ("lead",), approved_by=self.station)
        for person, role in (("wang", "technician"), ("li", "inspector"), ("chen", "inspector")):
            self.enrol(person, (role,), approved_by="zhao")

    # --- making records ---

    def tick(self, ms: int = 1000) -> int:
        self.now_ms += ms
        return self.now_ms

    def clock(self) -> Clock:
        now = self.tick()
        return Clock(wall_ms=now, mono_ms=now - START_MS, boot_id=self.boot, state="free-running")

    def made(self) -> dict[str, Any]:
        return {
            "shop": self.shop,
            "station": self.station,
            "simulated": self.simulated,
            "anchor": self.anchor,
            "clock": self.clock(),
            "software": SOFTWARE,
        }

    def common(self) -> dict[str, Any]:
        return {**self.made(), "ticket": self.ticket}

    def signed(self, person: str, role: str, meaning: str) -> dict[str, Any]:
        return {
            **self.common(),
            "person": person,
            "printed_name": NAMES[person],
            "role": role,
            "meaning": meaning,
            "key_level": 1,
            "signed_ms": self.tick(),
        }

    def sign(self, kind: str, subject: Commitment | str, predicate: Statement, *signers: str) -> bytes:
        return sign_envelope(make_statement(kind, subject, predicate), [self.keys[name] for name in signers])

    def key_event(
        self,
        event: str,
        holder: str,
        *,
        signers: tuple[str | Ed25519PrivateKey, ...],
        kind: str = "person",
        key: Ed25519PrivateKey | None = None,
        **changes: Any,
    ) -> bytes:
        held = key or self.keys[holder]
        made = self.made()
        fields = {
            **made,
            "event": event,
            "kind": kind,
            "holder": holder,
            "printed_name": NAMES.get(holder, "Bench 1"),
            "roles": (),
            "key": key_v1(public_raw(held)),
            "replaces": None,
            "approved_by": self.station,
            "at_ms": made["clock"].wall_ms,
            "reason": "",
            **changes,
        }
        predicate = KeyEventV1(**fields)
        keys = [self.keys[one] if isinstance(one, str) else one for one in signers]
        return sign_envelope(make_statement("key-event/v1", predicate.key.id, predicate), keys)

    def enrolment(self, person: str, named: tuple[str, ...], approved_by: str, **changes: Any) -> bytes:
        self.keys.setdefault(person, generate_key())
        NAMES.setdefault(person, person)
        grants = tuple(RoleV1(role=role, from_ms=START_MS, to_ms=None) for role in named)
        signers = tuple(dict.fromkeys((self.station, person, approved_by)))
        return self.key_event("enrol", person, signers=signers, approved_by=approved_by, **{"roles": grants, **changes})

    def enrol(self, person: str, named: tuple[str, ...], approved_by: str = "zhao", **changes: Any) -> bytes:
        self.events.append(self.enrolment(person, named, approved_by, **changes))
        return self.events[-1]

    @property
    def roster(self) -> Roster:
        return Roster.fold(self.events)

    def signoff(self, target: bytes, person: str, role: str, meaning: str, **changes: Any) -> bytes:
        record = open_record(target)
        fields = {
            **self.signed(person, role, meaning),
            "target": record.digest,
            "target_kind": record.kind,
            "note": "",
            **changes,
        }
        predicate = SignoffV1(**fields)
        return self.sign("signoff/v1", predicate.target, predicate, self.station, person)

    def intake(self, person: str = "wang", phone: Commitment = PHONE, **changes: Any) -> bytes:
        fields = {
            **self.common(),
            "person": person,
            "phone": phone,
            "identities": (),
            "customer": (),
            "manufacturer": "Acme",
            "model": "One",
            "complaint": "屏幕有线",
            "symptoms": (),
            "appearance": "",
            "accessories": "",
            "data_notice": True,
            "test_consent": True,
            "evidence": (),
            "received_ms": self.now_ms,
            **changes,
        }
        return self.sign("intake/v1", fields["phone"], IntakeV1(**fields), self.station)

    def run(
        self,
        stage: Stage,
        person: str,
        *,
        confirms: str | None = None,
        values: dict[str, Any] | None = None,
        attempts: Callable[[Checklist], list[AttemptV1]] | None = None,
        phone: Commitment = PHONE,
        used: Checklist | None = None,
        **changes: Any,
    ) -> bytes:
        used = used or checklist(stage)
        good: dict[str, Any] = {"battery": Decimal(93), "display": True, "charger": Decimal("4.20"), **(values or {})}
        tried = attempts(used) if attempts else [attempt(check, good[check.id]) for check in used.checks]
        fields = {
            **self.common(),
            "run": f"run-{self.now_ms}",
            "stage": stage,
            "person": person,
            "device": DeviceRef(
                phone=phone,
                transport="adb",
                port="usb:1-1",
                manufacturer="Acme",
                model="One",
                platform="android",
                os_version="14",
                build="A",
            ),
            "checklist": dump(used),
            "checklist_sha256": checklist_sha256(dump(used)),
            "confirms": confirms,
            "probes": {},
            "bench": {"well": True},
            "started_ms": self.now_ms,
            "ended_ms": self.now_ms,
            "attempts": tuple(tried),
            **changes,
        }
        predicate = RunV1(**fields)
        return self.sign("run/v1", predicate.device.phone, predicate, self.station)

    def plan(self, *, parts: tuple[PlannedPartV1, ...] = (), declined: tuple[DeclinedV1, ...] = ()) -> bytes:
        predicate = PlanV1(
            **self.common(),
            person="wang",
            cause="worn",
            remedy="exchange",
            parts=parts,
            declined=declined,
            price_fen=19900,
            currency="CNY",
        )
        return self.sign("plan/v1", PHONE, predicate, self.station)

    def consent(self, plan: bytes) -> bytes:
        predicate = ConsentV1(
            **self.common(),
            person="wang",
            plan=digest_of(plan),
            way="in-person",
            proof=None,
            given_ms=self.now_ms,
        )
        return self.sign("consent/v1", PHONE, predicate, self.station)

    def repair(self, person: str = "wang", new_phone: Commitment | None = None) -> bytes:
        predicate = RepairV1(
            **self.common(), person=person, remedy="exchanged", remedies=(), new_phone=new_phone, ended_ms=self.now_ms
        )
        return self.sign("repair/v1", PHONE, predicate, self.station)

    def part_use(self, person: str = "wang", **changes: Any) -> bytes:
        predicate = PartUseV1(
            **self.common(),
            person=person,
            issued_by=None,
            part="battery",
            number="B-1",
            serial=None,
            old_serial=None,
            note="",
            **changes,
        )
        return self.sign("part-use/v1", PHONE, predicate, self.station)

    def waiver(
        self, waiver: str, runs: list[bytes], checks: tuple[str, ...] = (), person: str = "zhao", **also: Any
    ) -> bytes:
        predicate = WaiverV1(
            **{
                **self.signed(person, "lead", "waived"),
                "waiver": waiver,
                "checks": checks,
                "runs": tuple(digest_of(run) for run in runs),
                "reason": "customer waits",
                **also,
            }
        )
        return self.sign("waiver/v1", PHONE, predicate, self.station, person)

    def amend(self, target: bytes, person: str = "zhao", role: str = "lead", replacement: bytes | None = None) -> bytes:
        predicate = AmendV1(
            **self.signed(person, role, "amended"),
            kind="correct" if replacement else "void",
            target=digest_of(target),
            replacement=digest_of(replacement) if replacement else None,
            reason="wrong phone",
        )
        return self.sign("amend/v1", PHONE, predicate, self.station, person)

    def release(self, by: ReleaseDecision, person: str = "li", role: str = "inspector", **changes: Any) -> bytes:
        lists = by.lists
        assert lists, by.why
        fields = {
            **self.signed(person, role, "approved"),
            "decision": by.decision,
            "phone": by.phone,
            **{name: getattr(lists, name) for name in type(lists).__slots__},
            **changes,
        }
        predicate = ReleaseV1(**fields)
        return self.sign("release/v1", predicate.phone, predicate, self.station, person)


@dataclass
class Case:
    """The envelopes of one ticket, in order; a test takes the good way and changes one thing."""

    shop: Shop = field(default_factory=Shop)
    envelopes: list[bytes] = field(default_factory=list)

    def add(self, envelope: bytes) -> bytes:
        self.envelopes.append(envelope)
        return envelope

    def intake(self, **changes: Any) -> bytes:
        record = self.add(self.shop.intake(**changes))
        self.add(self.shop.signoff(record, "wang", "technician", "performed"))
        return record

    def by_technician(self, record: bytes, person: str = "wang") -> bytes:
        """A record and its `performed` sign-off."""
        self.add(record)
        self.add(self.shop.signoff(record, person, "technician", "performed"))
        return record

    def self_check(self, person: str = "wang", **how: Any) -> bytes:
        record = self.add(self.shop.run(Stage.SELF_CHECK, person, **how))
        self.add(self.shop.signoff(record, person, "technician", "performed"))
        return record

    def cross_check(self, self_run: bytes, person: str = "li", **how: Any) -> bytes:
        confirms = {"confirms": digest_of(self_run), **how}
        record = self.add(self.shop.run(Stage.CROSS_CHECK, person, **confirms))
        self.add(self.shop.signoff(record, person, "inspector", "verified"))
        return record

    def decide(self, approver: str | None = None, **how: Any) -> ReleaseDecision:
        return verify_release(self.envelopes, self.shop.roster, approver=approver, at_ms=self.shop.now_ms, **how)

    def release(self, person: str = "li", role: str = "inspector", **changes: Any) -> bytes:
        return self.add(self.shop.release(self.decide(approver=person), person, role, **changes))


def good_case(simulated: bool = True) -> Case:
    """A ticket as it should be, up to the release record."""
    case = Case(Shop(simulated=simulated))
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang"))
    case.cross_check(case.self_check())
    case.release()
    return case


@dataclass
class HeadOffice:
    """The other side, as far as a ledger needs it: it signs receipts."""

    key: Ed25519PrivateKey = field(default_factory=generate_key)

    @property
    def public(self) -> bytes:
        return public_raw(self.key)

    def receipt(self, shop: Shop, rows: list[tuple[int, str]], head: HeadRef | None, **changes: Any) -> bytes:
        fields = {
            "head_office": "hq",
            "shop": shop.shop,
            "station": shop.station,
            "simulated": shop.simulated,
            "acknowledged": tuple(ReceiptRow(seq=seq, digest=digest) for seq, digest in rows),
            "refused": (),
            "quarantined": (),
            "next_expected": max((seq for seq, _ in rows), default=0) + 1,
            "head": head,
            "received_ms": shop.tick(),
            **changes,
        }
        predicate = ReceiptV1(**fields)
        return sign_envelope(make_statement("receipt/v1", digest_of(predicate.station.encode()), predicate), [self.key])


def open_ledger(path: Path | str) -> Database:
    """A ledger as the station opens it."""
    connection = sqlite3.connect(path, isolation_level=None)
    db = Database(connection)
    db.execute("PRAGMA foreign_keys = ON")
    create_ledger(db)
    return db


def store(db: Database, *envelopes: bytes) -> None:
    """Append in one transaction, as the engine does."""
    db.execute("BEGIN IMMEDIATE")
    for envelope in envelopes:
        append(db, envelope)
    db.execute("COMMIT")


def acknowledge(db: Database, shop: Shop, office: HeadOffice) -> bytes:
    """Seal a head, let head office acknowledge everything up to now, and store its receipt."""
    db.execute("BEGIN IMMEDIATE")
    made = shop.made()
    envelope = seal_head(
        db,
        shop.keys[shop.station],
        shop=shop.shop,
        station=shop.station,
        simulated=shop.simulated,
        clock=made["clock"],
        software=SOFTWARE,
    )
    head = open_record(envelope).statement.predicate
    rows = [(seq, digest) for seq, digest in db.execute("SELECT seq, digest FROM record ORDER BY seq")]
    receipt = office.receipt(shop, rows, HeadRef(size=head.size, root=head.root))  # type: ignore[union-attr]
    add_receipt(db, receipt)
    db.execute("COMMIT")
    shop.anchor = digest_of(receipt)
    return receipt


def build_ledger(path: Path, office: HeadOffice) -> Case:
    """A ledger with a whole released ticket, two heads and two receipts, the second one anchored by later records."""
    case = Case()
    db = open_ledger(path)
    store(db, *case.shop.events)
    acknowledge(db, case.shop, office)
    case.intake()
    case.add(case.shop.run(Stage.INTAKE, "wang"))
    case.cross_check(case.self_check())
    store(db, *case.envelopes)
    acknowledge(db, case.shop, office)
    store(db, case.release())
    db.close()
    return case
