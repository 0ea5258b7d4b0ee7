"""The traps of the design's list, each by its name: what others have fallen into, tried on the real code.

Details of each are tested beside the code that holds them; here is one test for each line of the list, so that none is
forgotten when that code changes.
"""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from records_builder import (
    NAMES,
    OTHER_PHONE,
    START_MS,
    Case,
    HeadOffice,
    Shop,
    build_ledger,
    checklist,
    good_case,
    open_ledger,
    store,
)
from sqlite_utils import Database

from checklists.verdict import Stage
from reports.attest import (
    PAYLOAD_TYPE,
    EnvelopeError,
    assemble_envelope,
    check_public_key,
    generate_key,
    key_id,
    open_envelope,
    open_record,
    public_raw,
    sign,
    to_be_signed,
    verify_signature,
)
from reports.ledger import LedgerError, check_schema
from reports.predicates import RoleV1
from reports.record import RecordError, canonical, digest_of, parse_strict
from reports.release import verify_release
from reports.roster import Roster, RosterError

#: The group order of edwards25519 (RFC 8032, 5.1).
ORDER = 2**252 + 27742317777372353535851937790883648493
#: All eight points of small order, the identity first, as raw public keys (RFC 8032's encoding).
SMALL = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
]


def before_release() -> Case:
    case = good_case()
    case.envelopes.pop()
    return case


def refused_codes(case: Case) -> set[str]:
    decision = case.decide(approver="li")
    assert not decision.released
    return {reason.code for reason in decision.why}


# --- keys ---


def test_trap_one_public_key_listed_under_two_key_ids_passing_a_threshold_of_two() -> None:
    case = before_release()
    payload = open_envelope(case.envelopes[1]).payload
    person = case.shop.keys["wang"]
    mine, signature = sign(payload, person)
    station = sign(payload, case.shop.keys[case.shop.station])
    twice = assemble_envelope(payload, [(mine, signature), ("f" * 64, signature)])
    for forged in (twice, assemble_envelope(payload, [station, (mine, signature), ("f" * 64, signature)])):
        with pytest.raises(RosterError):
            case.shop.roster.check(open_record(forged))
    # Nor does a second name come into the roster: an id is the hash of its key, and a key has one holder for ever.
    NAMES["twin"] = "Twin"
    grants = (RoleV1(role="inspector", from_ms=START_MS, to_ms=None),)
    event = case.shop.key_event(
        "enrol", "twin", key=person, signers=("bench-1", "zhao", "wang"), approved_by="zhao", roles=grants
    )
    with pytest.raises(RosterError, match="belongs to"):
        case.shop.roster.apply(open_record(event))


@pytest.mark.parametrize("public", SMALL)
def test_trap_small_order_and_identity_public_keys_are_refused_at_enrolment(public: str) -> None:
    raw = bytes.fromhex(public)
    with pytest.raises(EnvelopeError):
        check_public_key(raw)
    honest = open_record(Shop().events[0]).statement.raw
    weak = {**honest, "key": {**honest["key"], "public": public, "id": key_id(raw)}}
    whole = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "key", "digest": {"sha256": key_id(raw)}}],
        "predicateType": "urn:assay:key-event/v1",
        "predicate": weak,
    }
    forged = assemble_envelope(canonical(whole), [(key_id(raw), raw + bytes(32))])
    with pytest.raises(RecordError):
        Roster().apply(open_record(forged))


def test_trap_small_order_is_a_real_one_the_library_accepts_the_identity() -> None:
    identity = bytes.fromhex(SMALL[0])
    for message in (b"one", b"another"):
        Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), message)


def test_trap_unknown_key() -> None:
    case = before_release()
    payload = open_envelope(case.envelopes[0]).payload
    with pytest.raises(RosterError, match="unknown"):
        case.shop.roster.check(open_record(assemble_envelope(payload, [sign(payload, generate_key())])))


def test_trap_expired_role() -> None:
    shop = Shop()
    grants = (RoleV1(role="inspector", from_ms=START_MS, to_ms=shop.now_ms + 5_000),)
    shop.enrol("sun", ("inspector",), roles=grants)
    target = shop.intake()
    shop.tick(10_000)
    with pytest.raises(RosterError):
        shop.roster.check(open_record(shop.signoff(target, "sun", "inspector", "verified")))


@pytest.mark.parametrize("how", ["revoke", "compromise", "retire"])
def test_trap_expired_or_revoked_key(how: str) -> None:
    shop = Shop()
    target = shop.intake()
    held = shop.keys["wang"]
    shop.events.append(shop.key_event(how, "wang", signers=("bench-1", "zhao"), approved_by="zhao", key=held))
    assert shop.roster.problems == ()
    with pytest.raises(RosterError):
        shop.roster.check(open_record(shop.signoff(target, "wang", "technician", "performed")))


# --- signatures and envelopes ---


def test_trap_malleable_signatures() -> None:
    key = generate_key()
    _, signature = sign(b"{}", key)
    other = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    verify_signature(public_raw(key), b"{}", signature)
    with pytest.raises(EnvelopeError):
        verify_signature(public_raw(key), b"{}", other)


@pytest.mark.parametrize("more", [{"alg": "none"}, {"alg": "HS256"}, {"cert": "x"}, {"algorithm": "rsa"}])
def test_trap_algorithm_confusion_no_envelope_chooses_its_algorithm(more: dict[str, str]) -> None:
    whole = json.loads(before_release().envelopes[0])
    for changed in (
        {**whole, **more},
        {**whole, "signatures": [{**row, **more} for row in whole["signatures"]]},
    ):
        with pytest.raises(EnvelopeError):
            open_envelope(canonical(changed))


def test_trap_algorithm_confusion_a_key_event_names_ed25519_alone() -> None:
    honest = open_record(Shop().events[0]).statement
    for algorithm in ("rsa", "ecdsa", "ed448", "ED25519", ""):
        weak = {**honest.raw, "key": {**honest.raw["key"], "algorithm": algorithm}}
        whole = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "key", "digest": {"sha256": honest.subject}}],
            "predicateType": "urn:assay:key-event/v1",
            "predicate": weak,
        }
        with pytest.raises(RecordError):
            open_record(assemble_envelope(canonical(whole), [sign(b"{}", generate_key())]))


def test_trap_payload_type_confusion() -> None:
    whole = json.loads(before_release().envelopes[0])
    for kind in ("application/json", "application/vnd.in-toto+json;v=2", "APPLICATION/VND.IN-TOTO+JSON", ""):
        with pytest.raises(EnvelopeError):
            open_envelope(canonical({**whole, "payloadType": kind}))
    key, payload = generate_key(), b"{}"
    other = b"DSSEv1 16 application/json 2 {}"
    for signed in (payload, other):
        with pytest.raises(EnvelopeError):
            verify_signature(public_raw(key), payload, key.sign(signed))
    verify_signature(public_raw(key), payload, key.sign(to_be_signed(payload)))
    assert PAYLOAD_TYPE.encode() in to_be_signed(payload)


@pytest.mark.parametrize(
    "data",
    [b'{"a":1,"a":2}', b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'[{"a":1,"a":2}]', '{"é":1,"é":2}'.encode()],
)
def test_trap_duplicate_json_keys(data: bytes) -> None:
    with pytest.raises(RecordError):
        parse_strict(data)
    envelope = before_release().envelopes[0]
    doubled = envelope.replace(b'"payloadType":', b'"payloadType":"x","payloadType":', 1)
    with pytest.raises(EnvelopeError):
        open_envelope(doubled)


def test_trap_envelope_with_extra_signatures() -> None:
    case = before_release()
    roster = case.shop.roster
    for envelope in case.envelopes:
        opened = open_envelope(envelope)
        rows = [(one.key_id, one.signature) for one in opened.signatures]
        for extra in (sign(opened.payload, generate_key()), sign(opened.payload, case.shop.keys["chen"])):
            with pytest.raises(RosterError):
                roster.check(open_record(assemble_envelope(opened.payload, [*rows, extra])))


# --- a signature moved ---


def _other_ticket(case: Case) -> bytes:
    case.shop.ticket = "T-0002"
    return case.shop.run(Stage.SELF_CHECK, "wang")


def _other_phone(case: Case) -> bytes:
    return case.shop.run(Stage.SELF_CHECK, "wang", phone=OTHER_PHONE)


def _other_checklist(case: Case) -> bytes:
    return case.shop.run(Stage.SELF_CHECK, "wang", used=checklist(Stage.SELF_CHECK, version=2))


def _other_stage(case: Case) -> bytes:
    return case.shop.run(Stage.CROSS_CHECK, "wang", used=checklist(Stage.CROSS_CHECK))


MOVES = [_other_ticket, _other_phone, _other_checklist, _other_stage]


@pytest.mark.parametrize("other", MOVES)
def test_trap_a_signature_moved_to_another_ticket_phone_checklist_or_stage(other: Callable[[Case], bytes]) -> None:
    case = before_release()
    at = next(n for n, one in enumerate(case.envelopes) if open_record(one).statement.raw.get("stage") == "self-check")
    signoff, replaced = open_envelope(case.envelopes[at + 1]), other(case)
    # 1. The person's signature as it is, under a sign-off that names the other run.
    said = open_record(case.envelopes[at + 1]).statement.raw
    said = {**said, "target": digest_of(replaced), "ticket": open_record(replaced).ticket}
    whole = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "record", "digest": {"sha256": digest_of(replaced)}}],
        "predicateType": "urn:assay:signoff/v1",
        "predicate": said,
    }
    payload = canonical(whole)
    mine = key_id(public_raw(case.shop.keys["wang"]))
    old = next((one.key_id, one.signature) for one in signoff.signatures if one.key_id == mine)
    moved = assemble_envelope(payload, [old, sign(payload, case.shop.keys[case.shop.station])])
    with pytest.raises(RosterError):
        case.shop.roster.check(open_record(moved))
    # 2. The sign-off as it is, beside the other run in the old one's place: it speaks of another record.
    case.envelopes[at] = replaced
    assert refused_codes(case)


def test_trap_a_signature_moved_between_two_tickets_of_one_phone() -> None:
    case, other = before_release(), Case()
    other.shop = case.shop
    case.shop.ticket = "T-0002"
    other.intake()
    other.add(case.shop.run(Stage.INTAKE, "wang"))
    with_foreign = [*other.envelopes, *case.envelopes[3:]]
    decision = verify_release(with_foreign, case.shop.roster, approver="li", at_ms=case.shop.now_ms)
    assert not decision.released


# --- sqlite and sqlite-utils ---


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    build_ledger(tmp_path / "assay.db", HeadOffice())
    return tmp_path / "assay.db"


def test_trap_table_transform_drops_triggers_silently(ledger: Path) -> None:
    with closing(sqlite3.connect(ledger, isolation_level=None)) as raw:
        db = Database(raw)
        check_schema(db)
        count = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'head'"
        before = db.execute(count).fetchone()[0]
        db.table("head").transform(rename={"root": "tree"})
        assert db.execute(count).fetchone()[0] < before, "the trap is there"
        with pytest.raises(LedgerError):
            check_schema(db)


def test_trap_insert_returning_is_not_committed(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "x.db")
    db = Database(raw)
    db.execute("CREATE TABLE t (a INTEGER)")
    raw.commit()
    assert db.execute("INSERT INTO t VALUES (1) RETURNING a").fetchall() == [(1,)]
    with closing(sqlite3.connect(tmp_path / "x.db")) as other:
        assert other.execute("SELECT count(*) FROM t").fetchone() == (0,), "the trap is there"
    raw.close()
    project = Path(__file__).resolve().parents[2]
    sources = [path for folder in ("reports", "station") for path in (project / folder).rglob("*.py")]
    assert [path.name for path in sources if " RETURNING " in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_trap_insert_or_replace_passes_a_delete_trigger(ledger: Path, recursive: str) -> None:
    with closing(sqlite3.connect(ledger, isolation_level=None)) as raw:
        raw.execute(f"PRAGMA recursive_triggers = {recursive}")
        raw.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")
        raw.execute("CREATE TRIGGER no_delete BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'no'); END")
        raw.execute("INSERT INTO t VALUES (1, 'old')")
        if recursive == "OFF":
            raw.execute("INSERT OR REPLACE INTO t VALUES (1, 'new')")
            assert raw.execute("SELECT b FROM t").fetchone() == ("new",), "the trap is there"
        for table in ("record", "signature", "head", "receipt", "acknowledged"):
            with pytest.raises(sqlite3.IntegrityError, match=r"append-only|has no gaps"):
                raw.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")


def test_trap_foreign_keys_are_off_by_default(tmp_path: Path) -> None:
    db = open_ledger(tmp_path / "assay.db")
    store(db, Shop().events[0])
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO signature (seq, key_id) VALUES (99, ?)", ("0" * 64,))
    db.close()
    with closing(sqlite3.connect(tmp_path / "assay.db", isolation_level=None)) as raw:
        assert raw.execute("PRAGMA foreign_keys").fetchone() == (0,), "the trap is there"
        raw.execute("INSERT INTO signature (seq, key_id) VALUES (99, ?)", ("0" * 64,))


async def test_trap_foreign_keys_are_on_in_the_station_s_store(tmp_path: Path) -> None:
    from station.store import Store

    store_ = Store(tmp_path / "assay.db")
    assert await store_.write(lambda db: db.execute("PRAGMA foreign_keys").fetchone()[0]) == 1
    store_.close()


def test_trap_a_deferred_begin_gives_busy_errors(tmp_path: Path) -> None:
    def writer(begin: str) -> sqlite3.Connection:
        db = sqlite3.connect(tmp_path / "x.db", timeout=0.0, isolation_level=None)
        db.execute("PRAGMA journal_mode = wal")
        db.execute("CREATE TABLE IF NOT EXISTS t (a INTEGER)")
        db.execute(begin)
        return db

    one, two = writer("BEGIN"), writer("BEGIN")
    one.execute("SELECT * FROM t").fetchall()
    two.execute("INSERT INTO t VALUES (1)")
    two.execute("COMMIT")
    with pytest.raises(sqlite3.OperationalError, match="locked"):  # the trap: no waiting helps, the snapshot is old
        one.execute("INSERT INTO t VALUES (2)")
    one.close()
    two.close()
    source = Path(__file__).resolve().parents[2] / "station" / "store.py"
    assert '"BEGIN IMMEDIATE" if self._writes else "BEGIN"' in source.read_text(encoding="utf-8")


def test_base64_has_one_form() -> None:
    whole: dict[str, Any] = json.loads(before_release().envelopes[0])
    text = whole["payload"]
    loose = [text + "\n", text.rstrip("=") + "==" * 2, text.replace("=", "") + "=", " " + text]
    for other in (one for one in loose if one != text):
        with pytest.raises(EnvelopeError):
            open_envelope(canonical({**whole, "payload": other}))
    assert base64.b64encode(base64.b64decode(text)).decode() == text
