"""What head office makes of what stations send: stored once, refused with a reason, kept aside, never mixed up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from checklists.verdict import Stage
from reports.attest import Record, generate_key, open_record, public_raw, sign_envelope
from reports.headoffice.batch import Sent
from reports.headoffice.ingest import MAX_PENDING, HeadOffice
from reports.headoffice.store import HeadOfficeError, HeadOfficeStore, create_head_office
from reports.ledger import Frontier, chain_after
from reports.predicates import ReceiptV1
from reports.record import canonical, digest_of, make_statement
from tests.headoffice.head_office_bench import HQ_KEY
from tests.reports.records_builder import PHONE, Case, Shop
from tests.reports.records_builder import HeadOffice as Signer


class Desk:
    """A head office with one approved station, without HTTP between them."""

    def __init__(self, folder: Path, shop: Shop | None = None, simulated: bool = True) -> None:
        self.shop = shop or Shop(simulated=simulated)
        self.path = folder / "hq.db"
        if not self.path.exists():
            create_head_office(self.path, "hq", simulated=simulated)
        self.clock_ms = 1_800_000_000_000
        self.store = HeadOfficeStore(self.path)
        self.office = HeadOffice(self.store, HQ_KEY, lambda: self.clock_ms)

    def approve(self, state: Any = "approved") -> None:
        self.office.enrol(self.shop.events[0])
        with self.store.transaction():
            self.store.decide(self.shop.station, state, "test", 1)

    def send(self, *sent: Sent) -> ReceiptV1:
        receipt = open_record(self.office.receive(self.shop.station, sent)).statement.predicate
        assert isinstance(receipt, ReceiptV1)
        return receipt

    def rows(self, table: str) -> list[dict[str, Any]]:
        with self.store.transaction():
            return list(self.store.db.query(f"SELECT * FROM {table}"))


def ledger(*envelopes: bytes) -> list[Sent]:
    """The records as a ledger has them: with their places and chain values."""
    sent, chain = [], None
    for seq, envelope in enumerate(envelopes, 1):
        chain = chain_after(chain, digest_of(envelope))
        sent.append(Sent(seq, chain, envelope))
    return sent


def numbers(rows: Any) -> list[int]:
    return [row.seq for row in rows]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.approve()
    yield made
    made.store.close()


def whole_ticket(shop: Shop) -> list[bytes]:
    case = Case(shop)
    case.intake()
    case.cross_check(case.self_check())
    case.release()
    return case.envelopes


# --- good records ----------------------------------------------------------------------------------------------------


def test_a_whole_ticket_is_stored_and_its_release_is_checked_again(desk: Desk) -> None:
    records = ledger(*desk.shop.events, *whole_ticket(desk.shop))
    receipt = desk.send(*records)
    assert numbers(receipt.acknowledged) == list(range(1, len(records) + 1))
    assert receipt.next_expected == len(records) + 1
    assert [bytes(row["envelope"]) for row in desk.rows("record")] == [sent.envelope for sent in records]
    assert [row["decision"] for row in desk.rows("release")] == ["released"]


def test_the_receipt_pins_the_merkle_head_of_everything_that_came(desk: Desk) -> None:
    records = ledger(*desk.shop.events)
    tree = Frontier()
    for sent in records[:3]:
        tree.add(sent.digest)
    first = desk.send(*records[:3])
    assert first.head is not None
    assert (first.head.size, first.head.root) == (3, tree.root)
    for sent in records[3:]:
        tree.add(sent.digest)
    second = desk.send(*records[3:])
    assert second.head is not None
    assert (second.head.size, second.head.root) == (len(records), tree.root)


def test_the_same_records_again_are_the_same_answer_and_the_same_rows(desk: Desk) -> None:
    records = ledger(*desk.shop.events)
    assert desk.send(*records) == desk.send(*records, *records)
    assert len(desk.rows("record")) == len(records)
    assert len(desk.rows("receipt")) == 1  # nothing had changed, the time included


def test_what_was_stored_survives_a_restart_and_goes_on(desk: Desk, tmp_path: Path) -> None:
    records = ledger(*desk.shop.events, *whole_ticket(desk.shop))
    desk.send(*records[:7])
    desk.store.close()
    again = Desk(tmp_path, desk.shop)
    receipt = again.send(*records)
    assert numbers(receipt.acknowledged) == [sent.seq for sent in records]
    assert [row["decision"] for row in again.rows("release")] == ["released"]
    again.store.close()


def test_a_kind_of_a_later_version_is_kept_and_counts_for_nothing(desk: Desk) -> None:
    known = json.loads(open_record(desk.shop.intake()).envelope.payload)
    known["predicateType"] = "urn:assay:delivery/v7"
    later = sign_envelope(canonical(known), [desk.shop.keys[desk.shop.station]])
    receipt = desk.send(*ledger(*desk.shop.events, later))
    assert numbers(receipt.refused) == []
    assert desk.rows("record")[-1]["kind"] == "delivery/v7"


# --- gaps ------------------------------------------------------------------------------------------------------------


def test_a_gap_is_taken_and_the_receipt_says_what_is_missing(desk: Desk) -> None:
    records = ledger(*desk.shop.events, *whole_ticket(desk.shop))
    desk.send(*records[:6])
    ahead = desk.send(*records[7:9])
    assert (numbers(ahead.acknowledged), ahead.next_expected) == ([8, 9], 7)
    assert ahead.head is not None
    assert ahead.head.size == 6
    filled = desk.send(records[6])
    assert filled.next_expected == 10
    assert filled.head is not None
    assert filled.head.size == 9


def test_a_record_whose_signer_is_enrolled_in_the_gap_waits_and_is_not_refused(desk: Desk) -> None:
    records = ledger(*desk.shop.events, *whole_ticket(desk.shop))
    desk.send(*records[:1])
    ahead = desk.send(*records[5:])
    signed_by_people = {sent.seq for sent in records[5:] if len(open_record(sent.envelope).envelope.signatures) > 1}
    assert set(numbers(ahead.acknowledged)) == {sent.seq for sent in records[5:]} - signed_by_people
    assert (ahead.refused, ahead.quarantined) == ((), ())
    receipt = desk.send(*records)
    assert numbers(receipt.acknowledged) == [sent.seq for sent in records]
    assert receipt.next_expected == len(records) + 1


def test_a_key_event_from_behind_a_gap_counts_only_from_its_place_on(desk: Desk) -> None:
    newcomer = desk.shop.enrolment("sun", ("technician",), "zhao")
    intake = desk.shop.intake()
    early = desk.shop.signoff(intake, "sun", "technician", "performed")
    records = ledger(*desk.shop.events, intake, early, newcomer)
    desk.send(*records[:6])
    desk.send(records[7])
    receipt = desk.send(records[6])
    assert numbers(receipt.refused) == [7]
    assert "unknown key" in receipt.refused[0].reason.en


# --- refusals --------------------------------------------------------------------------------------------------------


def _other_shop(shop: Shop) -> bytes:
    return Shop(shop="shop-2", keys=dict(shop.keys)).intake()


def _real_record(shop: Shop) -> bytes:
    return shop.intake(simulated=False)


def _receipt(shop: Shop) -> bytes:
    return Signer().receipt(shop, [(1, "0" * 64)], None)


def _unsigned_by_station(shop: Shop) -> bytes:
    payload = open_record(shop.intake()).envelope.payload
    return sign_envelope(payload, [shop.keys["wang"]])


def _one_signature_more(shop: Shop) -> bytes:
    payload = open_record(shop.intake()).envelope.payload
    return sign_envelope(payload, [shop.keys[shop.station], shop.keys["wang"]])


def _wrong_signature(shop: Shop) -> bytes:
    good = shop.intake()
    record: Record = open_record(good)
    other = sign_envelope(open_record(shop.intake()).envelope.payload, [shop.keys[shop.station]])
    signature = json.loads(other)["signatures"]
    return canonical({**json.loads(good), "signatures": signature}) if record else b""


def _moved_signoff(shop: Shop) -> bytes:
    signed = json.loads(shop.signoff(shop.intake(), "wang", "technician", "performed"))
    elsewhere = json.loads(shop.signoff(shop.intake(), "wang", "technician", "performed"))
    return canonical({**signed, "payload": elsewhere["payload"]})


def _not_a_lead(shop: Shop) -> bytes:
    run = shop.run(Stage.SELF_CHECK, "wang")
    return shop.waiver("no-cross-check", [run], person="wang")


def _self_made_person(shop: Shop) -> bytes:
    return shop.enrolment("mallory", ("lead", "inspector"), approved_by="mallory")


def _one_key_under_two_names(shop: Shop) -> bytes:
    shop.keys["twin"] = shop.keys["wang"]
    return shop.enrolment("twin", ("inspector",), "zhao")


REFUSED = {
    "garbage": lambda shop: b"\x00garbage",
    "empty": lambda shop: b"",
    "not-canonical": lambda shop: shop.intake() + b"\n",
    "other-shop": _other_shop,
    "real": _real_record,
    "receipt": _receipt,
    "no-station-signature": _unsigned_by_station,
    "extra-signature": _one_signature_more,
    "wrong-signature": _wrong_signature,
    "moved-signoff": _moved_signoff,
    "role": _not_a_lead,
    "self-approved": _self_made_person,
    "one-key-two-names": _one_key_under_two_names,
}


@pytest.mark.parametrize("poison", REFUSED.values(), ids=REFUSED)
def test_a_poison_record_is_refused_with_a_reason_and_the_rest_is_stored(desk: Desk, poison: Any) -> None:
    records = ledger(*desk.shop.events, poison(desk.shop), desk.shop.intake())
    receipt = desk.send(*records)
    assert numbers(receipt.refused) == [6]
    assert receipt.refused[0].reason.en
    assert receipt.refused[0].reason.zh
    assert numbers(receipt.acknowledged) == [1, 2, 3, 4, 5, 7]
    assert receipt.next_expected == 8
    assert [row["seq"] for row in desk.rows("record")] == [1, 2, 3, 4, 5, 7]
    assert bytes(desk.rows("refusal")[0]["envelope"]) == records[5].envelope


def test_a_refused_record_is_judged_anew_when_it_comes_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    records = ledger(*desk.shop.events, desk.shop.intake())
    with monkeypatch.context() as older_software:
        older_software.setattr("reports.headoffice.ingest.open_record", _knows_nothing)
        assert numbers(desk.send(*records).refused) == [2, 3, 4, 5, 6]
    receipt = desk.send(*records)
    assert numbers(receipt.acknowledged) == [1, 2, 3, 4, 5, 6]
    assert [row["seq"] for row in desk.rows("record")] == [1, 2, 3, 4, 5, 6]


def _knows_nothing(envelope: bytes) -> Record:
    record = open_record(envelope)
    if getattr(record.statement.predicate, "kind", "") == "station":
        return record
    from drivers.text import Words
    from reports.record import RecordError

    raise RecordError(Words("is newer", "版本较新"))


def test_a_release_that_the_rules_refuse_is_kept_with_all_reasons(desk: Desk) -> None:
    case = Case(desk.shop)
    case.intake()
    checked = case.self_check()
    case.cross_check(checked, person="li")
    case.by_technician(desk.shop.repair("li"), "wang")  # the inspector repaired it
    good = Case(desk.shop, case.envelopes[:-2])
    release = desk.shop.release(good.decide(approver="li"))
    desk.send(*ledger(*desk.shop.events, *case.envelopes, release))
    (checked_release,) = desk.rows("release")
    assert checked_release["decision"] == "refused"
    assert all(reason["zh"] for reason in json.loads(checked_release["reasons"]))


# --- forks -----------------------------------------------------------------------------------------------------------


def test_another_record_at_the_same_place_puts_both_in_quarantine(desk: Desk) -> None:
    first, second = desk.shop.intake(), desk.shop.intake()
    desk.send(*ledger(*desk.shop.events, first))
    forked = ledger(*desk.shop.events, second)
    receipt = desk.send(*forked)
    assert (numbers(receipt.quarantined), numbers(receipt.acknowledged)) == ([6], [1, 2, 3, 4, 5])
    assert {bytes(row["envelope"]) for row in desk.rows("quarantine")} == {first, second}
    assert bytes(desk.rows("record")[-1]["envelope"]) == first
    assert receipt.head is not None
    assert receipt.head.size == 6


def test_a_record_that_continues_another_history_is_kept_aside(desk: Desk) -> None:
    desk.send(*ledger(*desk.shop.events, desk.shop.intake()))
    other = ledger(*desk.shop.events, desk.shop.intake(), desk.shop.intake())
    receipt = desk.send(other[-1])
    assert (numbers(receipt.quarantined), receipt.next_expected) == ([7], 7)


def test_a_ledger_that_does_not_begin_with_the_approved_enrolment_is_kept_aside(desk: Desk) -> None:
    again = Shop(keys={desk.shop.station: desk.shop.keys[desk.shop.station]})
    receipt = desk.send(*ledger(again.events[0]))
    assert numbers(receipt.quarantined) == [1]
    assert desk.rows("record") == []


def test_a_record_from_behind_a_gap_that_continues_another_history_leaves_the_gap_open(desk: Desk) -> None:
    one, other = desk.shop.intake(), desk.shop.intake()
    behind = ledger(*desk.shop.events, other, desk.shop.intake())
    desk.send(*ledger(*desk.shop.events), behind[-1])
    receipt = desk.send(ledger(*desk.shop.events, one)[-1])
    assert receipt.next_expected == 7
    assert [row["seq"] for row in desk.rows("quarantine")] == [7]


# --- stations --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("simulated", [True, False])
def test_a_demo_station_and_a_real_head_office_never_meet(tmp_path: Path, simulated: bool) -> None:
    desk = Desk(tmp_path, Shop(simulated=not simulated), simulated=simulated)
    with pytest.raises(HeadOfficeError) as caught:
        desk.office.enrol(desk.shop.events[0])
    assert (caught.value.code, caught.value.status) == ("simulated", 403)
    desk.store.close()


@pytest.mark.parametrize(("state", "code"), [("pending", "station-pending"), ("refused", "station-refused")])
def test_a_station_that_is_not_approved_sends_nothing(tmp_path: Path, state: str, code: str) -> None:
    desk = Desk(tmp_path)
    desk.office.enrol(desk.shop.events[0])
    if state == "refused":
        desk.approve("refused")
    with pytest.raises(HeadOfficeError) as caught:
        desk.send(*ledger(*desk.shop.events))
    assert caught.value.code == code
    assert desk.rows("record") == []
    desk.store.close()


def test_an_id_in_use_is_not_given_to_another_key(desk: Desk) -> None:
    with pytest.raises(HeadOfficeError) as caught:
        desk.office.enrol(Shop().events[0])
    assert caught.value.code == "station-taken"
    assert desk.office.approved(desk.shop.station).public == public_raw(desk.shop.keys[desk.shop.station])


def test_one_key_is_not_two_stations(desk: Desk) -> None:
    twin = Shop(station="bench-2")
    twin.keys["bench-2"] = desk.shop.keys[desk.shop.station]
    enrolment = twin.key_event("enrol", "bench-2", signers=("bench-2",), kind="station", approved_by="bench-2")
    with pytest.raises(HeadOfficeError) as caught:
        desk.office.enrol(enrolment)
    assert caught.value.code == "key-in-use"


def test_an_enrolment_without_possession_of_the_key_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    payload = open_record(desk.shop.events[0]).envelope.payload
    for envelope in (sign_envelope(payload, [generate_key()]), desk.shop.events[1], b"{}"):
        with pytest.raises(HeadOfficeError) as caught:
            desk.office.enrol(envelope)
        assert (caught.value.code, caught.value.status) == ("enrolment", 400)
    desk.store.close()


def test_asking_cannot_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.headoffice.ingest.MAX_PENDING", 2)
    assert MAX_PENDING == 1000
    desk = Desk(tmp_path)
    for number in range(2):
        desk.office.enrol(Shop(station=f"bench-{number}").events[0])
    with pytest.raises(HeadOfficeError) as caught:
        desk.office.enrol(Shop(station="bench-9").events[0])
    assert caught.value.status == 429
    desk.store.close()


# --- the store -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["record", "receipt", "quarantine", "refusal", "release", "decision", "office"])
def test_rows_are_only_added(desk: Desk, table: str) -> None:
    case = Case(desk.shop)
    case.intake()
    records = ledger(*desk.shop.events, *whole_ticket(desk.shop), b"poison")
    desk.send(*records)
    desk.send(*ledger(*desk.shop.events, desk.shop.intake()))
    assert desk.rows(table)
    for change in (f"DELETE FROM {table}", f"UPDATE {table} SET rowid = rowid + 100"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"), desk.store.transaction():
            desk.store.db.execute(change)


def test_a_batch_is_all_or_nothing_when_the_store_fails(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    records = ledger(*desk.shop.events)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "add_receipt", full)
        with pytest.raises(sqlite3.OperationalError):
            desk.send(*records)
    assert desk.rows("record") == []
    assert numbers(desk.send(*records).acknowledged) == [1, 2, 3, 4, 5]


def test_a_head_office_is_made_once_and_only_a_head_office_is_opened(tmp_path: Path) -> None:
    create_head_office(tmp_path / "hq.db", "hq", simulated=True)
    with pytest.raises(HeadOfficeError, match="already"):
        create_head_office(tmp_path / "hq.db", "hq", simulated=False)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE x (y)").connection.close()
    (tmp_path / "text.db").write_text("no database at all, only some text that is long enough to look like one")
    for path in (tmp_path / "none.db", tmp_path / "other.db", tmp_path / "text.db"):
        with pytest.raises(HeadOfficeError) as caught:
            HeadOfficeStore(path)
        assert caught.value.code == "not-a-head-office"
    assert Database(tmp_path / "other.db").table_names() == ["x"]


def test_the_subject_of_a_receipt_is_its_station(desk: Desk) -> None:
    envelope = desk.office.receive(desk.shop.station, ledger(*desk.shop.events))
    record = open_record(envelope)
    assert record.statement.subject == digest_of(desk.shop.station.encode())
    assert make_statement("intake/v1", PHONE, open_record(desk.shop.intake()).statement.predicate)  # type: ignore[arg-type]
