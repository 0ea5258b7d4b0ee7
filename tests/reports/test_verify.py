"""What verification says of whole ledgers, ticket bundles and single records."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from records_builder import (
    Case,
    HeadOffice,
    Shop,
    acknowledge,
    build_ledger,
    good_case,
    open_ledger,
    store,
)
from sqlite_utils import Database

from checklists.verdict import Stage
from reports.attest import open_record, sign_envelope
from reports.ledger import chain_after
from reports.predicates import HeadRef
from reports.record import RecordError, canonical, digest_of
from reports.release import ReleasePolicy
from reports.verify import export_bundle, open_bundle, verify_bundle, verify_envelope, verify_file, verify_ledger


@dataclass
class Built:
    path: Path
    office: HeadOffice
    case: Case


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Built:
    path, office = tmp_path_factory.mktemp("good") / "assay.db", HeadOffice()
    return Built(path, office, build_ledger(path, office))


@pytest.fixture
def copy(good: Built, tmp_path: Path) -> Built:
    return Built(Path(shutil.copy(good.path, tmp_path / "copy.db")), good.office, good.case)


def attacked(built: Built, *statements: str) -> list[tuple[str, int | None]]:
    """What is found after somebody with write access to the file did this to it."""
    db = sqlite3.connect(built.path, isolation_level=None)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(statement)
    db.close()
    report = verify_ledger(built.path, built.office.public)
    assert report.ok is (not report.problems)
    return [(problem.what, problem.seq) for problem in report.problems]


# --- the ledger ---


def test_a_good_ledger_is_good_and_its_origin_proven(good: Built) -> None:
    report = verify_ledger(good.path, good.office.public)
    assert (report.problems, report.origin, report.records) == ((), "proven", 13)


def test_without_a_root_it_is_self_consistent_and_unproven(good: Built) -> None:
    report = verify_ledger(good.path)
    assert (report.problems, report.origin, report.root) == ((), "unproven", "")


def test_with_a_root_but_no_receipt_yet_the_origin_stays_unproven(tmp_path: Path) -> None:
    db, shop = open_ledger(tmp_path / "new.db"), Shop()
    store(db, *shop.events)
    db.close()
    report = verify_ledger(tmp_path / "new.db", HeadOffice().public)
    assert (report.ok, report.origin) == (True, "unproven")


def test_reading_does_not_change_the_file_and_works_beside_a_writer(copy: Built) -> None:
    before = copy.path.read_bytes()
    assert verify_ledger(copy.path, copy.office.public).ok
    assert copy.path.read_bytes() == before
    db = open_ledger(copy.path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    found: list[bool] = []
    reader = threading.Thread(target=lambda: found.append(verify_ledger(copy.path, copy.office.public).ok))
    reader.start()
    reader.join()
    db.execute("ROLLBACK")
    db.close()
    assert found == [True]


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00 and then nothing", b"x" * 5000])
def test_a_file_that_is_no_ledger_is_named_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(content)
    assert [problem.what for problem in verify_ledger(path).problems] == ["store"]
    assert [problem.what for problem in verify_ledger(tmp_path / "absent.db").problems] == ["store"]


def test_damaged_pages_are_a_finding_not_a_crash(copy: Built) -> None:
    whole = copy.path.read_bytes()
    found = set()
    for page in range(1, len(whole) // 4096):
        copy.path.write_bytes(whole[: page * 4096] + b"\xff" * 4096 + whole[(page + 1) * 4096 :])
        found |= {problem.what for problem in verify_ledger(copy.path, copy.office.public).problems}
    assert "store" in found
    copy.path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert [problem.what for problem in verify_ledger(copy.path, copy.office.public).problems] == ["store"]


def test_the_newest_records_cut_off_are_missed_because_a_receipt_has_seen_them(copy: Built) -> None:
    found = attacked(copy, "DELETE FROM signature WHERE seq > 10", "DELETE FROM record WHERE seq > 10")
    assert "cut" in {what for what, _ in found}


def test_cutting_records_with_their_receipts_and_heads_is_missed_by_an_anchor(copy: Built) -> None:
    """The last record names the receipt before it: taking that receipt away shows."""
    found = attacked(copy, "DELETE FROM receipt WHERE id = 2", "DELETE FROM head WHERE size > 5")
    assert ("anchor", 13) in found


def test_two_records_in_another_order_break_link_and_chain(copy: Built) -> None:
    found = attacked(
        copy,
        "CREATE TEMP TABLE a AS SELECT digest, kind, ticket, wall_ms, mono_ms, boot_id, clock, envelope FROM record"
        " WHERE seq = 7",
        "UPDATE record SET (digest, kind, ticket, wall_ms, mono_ms, boot_id, clock, envelope) = "
        "(SELECT 'x' || substr(digest, 2), kind, ticket, wall_ms, mono_ms, boot_id, clock, envelope FROM record r"
        " WHERE r.seq = 8) WHERE seq = 7",
        "UPDATE record SET (digest, kind, ticket, wall_ms, mono_ms, boot_id, clock, envelope) = (SELECT * FROM temp.a)"
        " WHERE seq = 8",
    )
    assert {("digest", 7), ("chain", 7), ("link", 8)} <= set(found)


def rewritten(built: Built, envelopes: list[bytes]) -> None:
    """A new ledger, chain and all, from these envelopes with the old receipts and heads: the station's forgery."""
    old = open_ledger(built.path)
    heads, receipts, index = (list(old[table].rows) for table in ("head", "receipt", "acknowledged"))
    old.close()
    built.path.unlink()
    db = open_ledger(built.path)
    store(db, *envelopes)
    db.execute("PRAGMA foreign_keys = OFF")
    db["head"].insert_all(heads)
    db["receipt"].insert_all(receipts)
    db["acknowledged"].insert_all(index)
    db.close()


def all_envelopes(path: Path) -> list[bytes]:
    db = sqlite3.connect(path)
    rows = [bytes(envelope) for (envelope,) in db.execute("SELECT envelope FROM record ORDER BY seq")]
    db.close()
    return rows


def test_a_history_that_the_station_itself_rewrites_contradicts_the_receipts(copy: Built) -> None:
    shop, envelopes = copy.case.shop, all_envelopes(copy.path)
    better = shop.run(Stage.SELF_CHECK, "wang", values={"charger": None})
    rewritten(copy, [*envelopes[:8], better, *envelopes[9:]])
    found = {problem.what for problem in verify_ledger(copy.path, copy.office.public).problems}
    assert {"head", "receipt"} <= found


def add_by_hand(db: Database, receipt: bytes, rows: list[tuple[int, str]], received_ms: int) -> None:
    db.execute("INSERT INTO receipt VALUES (3, ?, ?, ?)", (digest_of(receipt), received_ms, receipt))
    for seq, _ in rows:
        db.execute("INSERT INTO acknowledged VALUES (?, 3)", (seq,))


def test_the_index_of_receipts_is_compared(copy: Built) -> None:
    assert attacked(copy, "DELETE FROM acknowledged WHERE seq = 3 AND receipt = 1") == [("index", None)]
    assert attacked(copy, "INSERT INTO acknowledged VALUES (3, 1), (99, 1)") == [("index", None)]


def test_a_forged_receipt_and_one_of_another_station_are_found(copy: Built) -> None:
    shop, forger = copy.case.shop, HeadOffice()
    rows = [(1, digest_of(all_envelopes(copy.path)[0]))]
    for receipt, root in (
        (forger.receipt(shop, rows, None), copy.office.public),
        (copy.office.receipt(Shop(station="bench-9"), rows, None, received_ms=2**50), copy.office.public),
    ):
        path = copy.path.with_name("forged.db")
        shutil.copy(copy.path, path)
        db = open_ledger(path)
        add_by_hand(db, receipt, rows, open_record(receipt).statement.raw["received_ms"])
        db.close()
        found = verify_ledger(path, root).problems
        assert [problem.what for problem in found] == ["receipt"]
        assert found[0].record == digest_of(receipt)


def test_a_receipt_that_pins_another_history_is_found(copy: Built) -> None:
    receipt = copy.office.receipt(copy.case.shop, [], HeadRef(size=13, root="0" * 64))
    db = open_ledger(copy.path)
    add_by_hand(db, receipt, [], open_record(receipt).statement.raw["received_ms"])
    db.close()
    found = verify_ledger(copy.path, copy.office.public).problems
    assert [(problem.what, problem.record) for problem in found] == [("head", digest_of(receipt))]


def test_a_release_that_breaks_the_rules_is_found_in_a_ledger_that_is_whole(tmp_path: Path) -> None:
    case = good_case()
    path, office = tmp_path / "assay.db", HeadOffice()
    db = open_ledger(path)
    rest = [envelope for place, envelope in enumerate(case.envelopes) if place != 4]  # without `performed`
    store(db, *case.shop.events, *rest)
    acknowledge(db, case.shop, office)
    db.close()
    report = verify_ledger(path, office.public)
    assert [(problem.what, problem.seq) for problem in report.problems] == [("release", 12)]
    assert "signed off" in report.problems[0].why.en


def test_a_policy_applies_to_the_releases_of_a_ledger(good: Built) -> None:
    policy = ReleasePolicy(checklists=frozenset({"0" * 64}))
    report = verify_ledger(good.path, good.office.public, policy=policy)
    assert [problem.what for problem in report.problems] == ["release"]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda shop: Shop().intake(), "signature"),
        (lambda shop: shop.enrolment("thief", ("lead",), "wang"), "signature"),
        (lambda shop: sign_envelope(b"{}", [shop.keys["bench-1"]]), "envelope"),
    ],
)
def test_a_record_that_somebody_chained_by_hand_is_found(copy: Built, make: Callable[[Shop], bytes], what: str) -> None:
    envelope = make(copy.case.shop)
    db = sqlite3.connect(copy.path)
    chain, prev = db.execute("SELECT chain, digest FROM record WHERE seq = 13").fetchone()
    digest = digest_of(envelope)
    try:
        record = open_record(envelope)
        clock, kind, ticket = record.statement.raw["clock"], record.kind, record.ticket
        keys = [one.key_id for one in record.envelope.signatures]
    except RecordError:
        clock, kind, ticket, keys = {"wall_ms": 1, "mono_ms": 1, "boot_id": "b", "state": "anchored"}, "x", None, []
    db.execute(
        "INSERT INTO record VALUES (14, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (digest, prev, chain_after(chain, digest), kind, ticket, *clock.values(), envelope)
        if list(clock) == ["wall_ms", "mono_ms", "boot_id", "state"]
        else (
            digest,
            prev,
            chain_after(chain, digest),
            kind,
            ticket,
            clock["wall_ms"],
            clock["mono_ms"],
            clock["boot_id"],
            clock["state"],
            envelope,
        ),
    )
    db.executemany("INSERT INTO signature VALUES (14, ?)", [(key,) for key in keys])
    db.commit()
    db.close()
    found = [(problem.what, problem.seq) for problem in verify_ledger(copy.path, copy.office.public).problems]
    assert found == [(what, 14)]


def test_every_problem_is_told_in_both_languages(copy: Built) -> None:
    attacked(copy, "UPDATE record SET kind = 'x', chain = digest, prev = digest WHERE seq = 4")
    report = verify_ledger(copy.path, copy.office.public)
    assert len(report.problems) >= 2
    assert all(problem.why.en and problem.why.zh and problem.why.en != problem.why.zh for problem in report.problems)


# --- bundles ---


@pytest.fixture(scope="module")
def bundle(good: Built) -> bytes:
    db = open_ledger(good.path)
    data = export_bundle(db, "T-0001")
    db.close()
    return data


def test_a_bundle_carries_the_ticket_verbatim_and_verifies_with_its_release(good: Built, bundle: bytes) -> None:
    opened = open_bundle(bundle)
    assert [data for _, data in opened.records] == good.case.envelopes
    assert list(opened.roster) == good.case.shop.events
    report = verify_bundle(bundle, good.office.public)
    assert (report.problems, report.origin) == ((), "proven")
    assert report.release
    assert report.release.decision == "released"
    assert verify_bundle(bundle).origin == "unproven"


def test_a_ticket_that_is_not_there_cannot_be_exported(good: Built) -> None:
    db = open_ledger(good.path)
    with pytest.raises(RecordError, match="T-9"):
        export_bundle(db, "T-9")
    db.close()


def remade(bundle: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    whole = json.loads(bundle)
    change(whole)
    return canonical(whole)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda b: b["records"].pop(1), "release"),
        (lambda b: b["records"].reverse(), "bundle"),
        (lambda b: b["records"][0].update(envelope=b["records"][1]["envelope"]), "release"),
        (lambda b: b["roster"].pop(2), "signature"),
        (lambda b: b["roster"].pop(0), "roster"),
        (lambda b: b["roster"].reverse(), "roster"),
        (lambda b: b.update(ticket="T-0002"), "envelope"),
        (lambda b: b.update(station="bench-2"), "bundle"),
        (lambda b: b.update(format="assay-bundle/v2"), "bundle"),
        (lambda b: b.update(more=1), "bundle"),
        (lambda b: b["records"].append({"seq": True, "envelope": ""}), "bundle"),
        (lambda b: b["receipts"].append("garbage"), "receipt"),
        (lambda b: b["receipts"].append(HeadOffice().receipt(Shop(), [], None).decode()), "receipt"),
    ],
)
def test_a_changed_bundle_is_refused(
    good: Built, bundle: bytes, change: Callable[[dict[str, Any]], object], what: str
) -> None:
    report = verify_bundle(remade(bundle, change), good.office.public)
    assert what in {problem.what for problem in report.problems}


def test_a_bundle_without_receipts_is_of_unproven_origin(good: Built, bundle: bytes) -> None:
    report = verify_bundle(remade(bundle, lambda b: b["receipts"].clear()), good.office.public)
    assert (report.ok, report.origin) == (True, "unproven")


def test_every_byte_of_a_bundle_counts(good: Built, bundle: bytes) -> None:
    step = len(bundle) // 60
    for place in range(0, len(bundle), step):
        other = bundle[:place] + bytes([bundle[place] ^ 1]) + bundle[place + 1 :]
        assert not verify_bundle(other, good.office.public).ok, place


# --- single files ---


def test_a_file_is_verified_by_what_it_is(good: Built, bundle: bytes, tmp_path: Path) -> None:
    roster = good.case.shop.roster
    intake, receipt = tmp_path / "intake.json", tmp_path / "receipt.json"
    (tmp_path / "bundle.json").write_bytes(bundle)
    intake.write_bytes(good.case.envelopes[0])
    db = open_ledger(good.path)
    receipt.write_bytes(next(iter(db["receipt"].rows))["envelope"])
    db.close()
    assert verify_file(good.path, good.office.public).records == 13
    assert verify_file(tmp_path / "bundle.json", good.office.public).release
    assert verify_file(intake, roster=roster).ok
    assert [problem.what for problem in verify_file(intake).problems] == ["signature"]
    assert verify_file(receipt, good.office.public).origin == "proven"
    assert not verify_file(receipt).ok
    with pytest.raises(FileNotFoundError):
        verify_file(tmp_path / "absent")


def test_an_enrolment_alone_only_agrees_with_itself() -> None:
    shop = Shop()
    report = verify_envelope(shop.events[0])
    assert (report.ok, report.origin, report.signatures) == (True, "unproven", 1)
    assert not verify_envelope(shop.events[1]).ok
    assert not verify_envelope(b"garbage").ok


def test_thousands_of_records_are_verified_in_one_pass(tmp_path: Path) -> None:
    """The pass keeps no record: what grows is a digest set of receipts and one number for each record."""
    shop, office, path = Shop(), HeadOffice(), tmp_path / "long.db"
    db = open_ledger(path)
    db.execute("PRAGMA synchronous = OFF")
    store(db, *shop.events)
    store(db, *(shop.intake() for _ in range(300)))
    acknowledge(db, shop, office)
    db.close()
    report = verify_ledger(path, office.public)
    assert (report.problems, report.records, report.origin) == ((), 305, "proven")


def test_the_builders_database_is_a_plain_station_database(good: Built) -> None:
    db = Database(good.path)
    assert {"record", "receipt", "head", "signature"} <= set(db.table_names())
    db.close()
