"""A thousand random changes of one bit or one byte: each is found and named, by our verifier and by the other one."""

from __future__ import annotations

import importlib.util
import json
import random
import re
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from records_builder import Case, HeadOffice, acknowledge, build_ledger, open_ledger, store

from reports.record import digest_of
from reports.verify import verify_ledger

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify.py"
CHUNKS, CHANGES = 10, 100

#: What is changed: (table, key column, column). Rows are drawn by table, so envelopes weigh as much as links.
COLUMNS = {
    "record": (
        "seq",
        ("envelope",) * 6
        + ("seq", "digest", "prev", "chain", "kind", "ticket", "wall_ms", "mono_ms", "boot_id", "clock"),
    ),
    "receipt": ("id", ("envelope",) * 3 + ("id", "digest", "received_ms")),
    "head": ("size", ("envelope",) * 3 + ("size", "root", "digest")),
}


def other_verifier() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_verify", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


THEIRS = other_verifier()


@dataclass
class Ledger:
    """A small ledger with its triggers taken away, as somebody with a hex editor would see it."""

    path: Path
    office: HeadOffice
    db: sqlite3.Connection

    def rows(self, table: str) -> list[int]:
        key = COLUMNS[table][0]
        return [row[0] for row in self.db.execute(f"SELECT {key} FROM {table} ORDER BY 1")]

    def get(self, table: str, key: int, column: str) -> Any:
        return self.db.execute(f"SELECT {column} FROM {table} WHERE {COLUMNS[table][0]} = ?", (key,)).fetchone()[0]

    def set(self, table: str, key: int, column: str, value: Any) -> None:
        # A text with a broken byte is still stored as text: bound as bytes, cast back.
        place = "CAST(? AS TEXT)" if isinstance(value, bytes) and column != "envelope" else "?"
        self.db.execute(f"UPDATE {table} SET {column} = {place} WHERE {COLUMNS[table][0]} = ?", (value, key))


def take_triggers_away(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA ignore_check_constraints = ON")
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name.decode()}")
    return db


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    path, office, case = tmp_path_factory.mktemp("flips") / "assay.db", HeadOffice(), Case()
    db = open_ledger(path)
    store(db, *case.shop.events[:3])
    acknowledge(db, case.shop, office)
    case.intake()
    store(db, *case.envelopes)
    acknowledge(db, case.shop, office)
    case.envelopes.clear()
    case.self_check()
    store(db, *case.envelopes)
    db.close()
    return Ledger(path, office, take_triggers_away(path))


def changed(value: Any, chance: random.Random) -> Any:
    """The value with one bit or one byte different."""
    if isinstance(value, int):
        return value ^ (1 << chance.randrange(44))
    data = bytearray(value)
    place = chance.randrange(len(data))
    if chance.random() < 0.5:
        data[place] ^= 1 << chance.randrange(8)
    else:
        data[place] = (data[place] + chance.randrange(1, 256)) % 256
    return bytes(data)


def names(problems: list[tuple[str, int | None]], table: str, key: int, value: Any, envelopes: list[bytes]) -> bool:
    """Whether a problem names the row: a record by its place, receipts and heads by the digest of their envelope.

    A row that was moved leaves a gap, which is named by its own place or by the row that now stands in it.
    """
    if table == "record":
        return any(seq in {key, value, *([key + 1] if value != key else [])} for _, seq in problems)
    return any(record == digest_of(one) for record, _ in problems for one in envelopes)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_each_random_change_is_found_and_named_by_both_verifiers(ledger: Ledger, chunk: int) -> None:
    chance = random.Random(f"assay-{chunk}")
    done = 0
    while done < CHANGES:
        table = chance.choice(["record"] * 4 + ["receipt", "receipt", "head"])
        key, column = chance.choice(ledger.rows(table)), chance.choice(COLUMNS[table][1])
        before = ledger.get(table, key, column)
        if before is None:
            continue
        after = changed(before, chance)
        try:
            ledger.set(table, key, column, after)
        except sqlite3.IntegrityError:  # another row has that key: this change cannot be stored at all
            continue
        now = after if column == COLUMNS[table][0] else key
        envelopes = [ledger.get(table, one, "envelope") for one in ([now] if now == key else ledger.rows(table))]
        ours = verify_ledger(ledger.path, ledger.office.public)
        theirs = THEIRS.verify(ledger.path, ledger.office.public.hex())
        ledger.set(table, now, column, before)
        what = f"{table} {key} {column}: {before!r} -> {after!r}"
        assert not ours.ok, what
        assert not theirs["ok"], what
        assert names([(one.record, one.seq) for one in ours.problems], table, key, now, envelopes), (
            what,
            ours.problems,
        )
        found = [(one["record"], one["seq"]) for one in theirs["problems"]]
        assert names(found, table, key, now, envelopes), (what, theirs["problems"])
        done += 1
    assert verify_ledger(ledger.path, ledger.office.public).ok, "every change was taken back"


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_single_bit_of_any_envelope_signature_link_receipt_or_head_is_found_and_named(
    ledger: Ledger, data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(sorted(COLUMNS)))
    key, column = data.draw(st.sampled_from(ledger.rows(table))), data.draw(st.sampled_from(COLUMNS[table][1]))
    before = ledger.get(table, key, column)
    assume(before is not None)
    after = one_bit(before, data.draw(st.integers(0, 62 if isinstance(before, int) else 8 * len(before) - 1)))
    flipped(ledger, table, key, column, after)


def test_every_bit_of_a_signature_is_found_and_named(ledger: Ledger) -> None:
    chance = random.Random("signatures")
    for table in ("record", "head", "receipt"):
        key = ledger.rows(table)[-1]
        envelope = ledger.get(table, key, "envelope")
        signature = re.search(rb'"sig":"([^"]+)"', envelope)
        assert signature
        for place in range(*signature.span(1)):
            flipped(ledger, table, key, "envelope", one_bit(envelope, 8 * place + chance.randrange(8)))


def one_bit(value: Any, bit: int) -> Any:
    """The value with that bit the other way round."""
    if isinstance(value, int):
        return value ^ (1 << bit)
    data = bytearray(value)
    data[bit // 8] ^= 1 << bit % 8
    return bytes(data)


def flipped(ledger: Ledger, table: str, key: int, column: str, after: Any) -> None:
    """Store the change, hear what both verifiers say of it, and take it back."""
    before = ledger.get(table, key, column)
    try:
        ledger.set(table, key, column, after)
    except sqlite3.IntegrityError:  # another row has that key: this change cannot be stored at all
        return
    now = after if column == COLUMNS[table][0] else key
    envelopes = [ledger.get(table, one, "envelope") for one in ([now] if now == key else ledger.rows(table))]
    ours = verify_ledger(ledger.path, ledger.office.public)
    theirs = THEIRS.verify(ledger.path, ledger.office.public.hex())
    ledger.set(table, now, column, before)
    assert names([(one.record, one.seq) for one in ours.problems], table, key, now, envelopes), ours.problems
    found = [(one["record"], one["seq"]) for one in theirs["problems"]]
    assert names(found, table, key, now, envelopes), theirs["problems"]


def test_each_change_of_the_index_of_signatures_is_found(ledger: Ledger) -> None:
    chance = random.Random("index")
    rows = ledger.db.execute("SELECT seq, key_id FROM signature").fetchall()
    for seq, key in rows:
        for column, before in (("seq", seq), ("key_id", key)):
            after = changed(before, chance)
            cast = "CAST(? AS TEXT)" if column == "key_id" else "?"
            ledger.db.execute("BEGIN")
            ledger.db.execute(
                f"UPDATE signature SET {column} = {cast} WHERE seq = ? AND key_id = CAST(? AS TEXT)", (after, seq, key)
            )
            ledger.db.execute("COMMIT")
            assert "index" in {one.what for one in verify_ledger(ledger.path, ledger.office.public).problems}
            now = (after, key) if column == "seq" else (seq, after)
            ledger.db.execute(
                f"UPDATE signature SET {column} = {cast} WHERE seq = ? AND key_id = CAST(? AS TEXT)", (before, *now)
            )
    assert verify_ledger(ledger.path, ledger.office.public).ok


@pytest.mark.parametrize("table", ["record", "receipt", "head", "signature"])
def test_each_row_taken_away_is_missed(ledger: Ledger, table: str) -> None:
    for (place,) in ledger.db.execute(f"SELECT rowid FROM {table}" if table != "signature" else "SELECT 0").fetchall():
        ledger.db.execute("BEGIN")
        if table == "signature":
            rows = ledger.db.execute("SELECT * FROM signature LIMIT 1").fetchall()
            ledger.db.execute("DELETE FROM signature WHERE seq = ? AND key_id = CAST(? AS TEXT)", rows[0])
        else:
            rows = ledger.db.execute(f"SELECT * FROM {table} WHERE rowid = ?", (place,)).fetchall()
            ledger.db.execute(f"DELETE FROM {table} WHERE rowid = ?", (place,))
        ledger.db.execute("COMMIT")
        ours = verify_ledger(ledger.path, ledger.office.public)
        theirs = THEIRS.verify(ledger.path, ledger.office.public.hex())
        columns = [row[1].decode() for row in ledger.db.execute(f"PRAGMA table_info({table})")]
        marks = ", ".join(
            "?" if name == "envelope" else f"CAST(? AS {kind})"
            for name, kind in zip(
                columns, [row[2].decode() for row in ledger.db.execute(f"PRAGMA table_info({table})")], strict=True
            )
        )
        ledger.db.execute(f"INSERT INTO {table} VALUES ({marks})", rows[0])
        newest_record = table == "record" and place == max(ledger.rows("record"))
        newest_receipt = table == "receipt" and place == max(ledger.rows("receipt"))
        if newest_record or table == "head":
            continue  # nothing later speaks of it: see `what no verifier can know`
        assert not ours.ok, (table, place)
        if table != "signature":
            assert not theirs["ok"], (table, place, newest_receipt)


def test_the_other_verifier_agrees_on_a_good_ledger_in_a_bare_python(tmp_path: Path) -> None:
    office = HeadOffice()
    build_ledger(tmp_path / "assay.db", office)
    ours = verify_ledger(tmp_path / "assay.db", office.public)
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(tmp_path / "assay.db"), office.public.hex()],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    answer = json.loads(done.stdout)
    assert answer == {"ok": ours.ok, "records": ours.records, "signatures": ours.signatures, "problems": []}
    assert answer["ok"]


def test_both_verifiers_refuse_a_head_office_key_that_signed_nothing(ledger: Ledger) -> None:
    stranger = HeadOffice()
    ours = verify_ledger(ledger.path, stranger.public)
    assert ([one.what for one in ours.problems], ours.origin) == (["receipt"], "unproven")
    assert [one["what"] for one in THEIRS.verify(ledger.path, stranger.public.hex())["problems"]] == ["receipt"]


def test_the_other_verifier_is_a_hundred_lines_without_our_code() -> None:
    text = SCRIPT.read_text()
    assert len(text.splitlines()) <= 100
    imports = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imports - set(sys.stdlib_module_names) == {"cryptography"}
