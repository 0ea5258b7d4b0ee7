"""The quick look at a ledger's links finds each changed envelope and link, and names the place."""

from __future__ import annotations

import hashlib
import itertools
import random
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_builder import HeadOffice, build_ledger

from reports import links as links_module
from reports.ledger import chain_after
from reports.links import LinkReport, _first_broken, _reading, verify_links
from reports.verify import verify_ledger


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("links") / "assay.db"
    build_ledger(path, HeadOffice())
    return path


def test_it_counts_what_the_whole_verification_counts(good: Path) -> None:
    records = verify_ledger(good).records
    assert verify_links(good) == verify_links(good, envelopes=False) == LinkReport(records, 0)


@pytest.mark.parametrize(
    ("change", "chain_alone"),
    [
        ("UPDATE record SET envelope = CAST(replace(envelope, 'A', 'B') AS BLOB) WHERE seq = 5", 0),
        ("UPDATE record SET digest = lower(hex(randomblob(32))) WHERE seq = 5", 5),
        ("UPDATE record SET chain = lower(hex(randomblob(32))) WHERE seq = 5", 5),
        ("UPDATE record SET prev = lower(hex(randomblob(32))) WHERE seq = 5", 5),
        ("UPDATE record SET digest = upper(digest), chain = 'x' WHERE seq = 5", 5),
        ("DELETE FROM record WHERE seq = 5", 5),
    ],
)
def test_a_changed_link_is_named(good: Path, tmp_path: Path, change: str, chain_alone: int) -> None:
    path = Path(shutil.copy(good, tmp_path / "copy.db"))
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(change)
    assert verify_links(path).broken == 5
    assert verify_links(path, envelopes=False).broken == chain_alone


# --- in parts --------------------------------------------------------------------------------------------------------


def row_by_row(path: Path, *, envelopes: bool) -> int:
    """The first broken link as docs/ledger.md states the rule: one row after the other, nothing taken together."""
    number, before, chain = 0, None, None
    with closing(sqlite3.connect(path)) as db:
        db.text_factory = lambda data: data.decode("ascii", "replace")
        for seq, digest, prev, chained, envelope in db.execute("SELECT * FROM link ORDER BY seq"):
            number += 1
            try:
                own = hashlib.sha256(envelope).hexdigest() if envelopes else digest
                pinned = b"" if chain is None else b"\x01" + bytes.fromhex(chain)
                expected = hashlib.sha256(pinned + bytes.fromhex(digest)).hexdigest() if pinned else digest
            except (ValueError, TypeError):
                return number
            if (seq, digest, prev, chained) != (number, own, before, expected) or not HEX.fullmatch(digest):
                return number
            chain, before = chained, digest
    return 0


HEX = re.compile("[0-9a-f]{64}")
RECORDS = 9


def write_links(path: Path) -> None:
    """A table of links without any guard, as somebody would make it who changes the file; not even typed."""
    body, before, chain = random.Random(3), None, None
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, digest, prev, chain, envelope)")
        db.execute("CREATE VIEW link AS SELECT seq, digest, prev, chain, envelope FROM record")
        for seq in range(1, RECORDS + 1):
            envelope = body.randbytes(40)
            digest = hashlib.sha256(envelope).hexdigest()
            chain = chain_after(chain, digest)
            db.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?)", (seq, digest, before, chain, envelope))
            before = digest


def in_parts(path: Path, *, envelopes: bool) -> Iterator[int]:
    """What every way to cut the ledger into two or three parts finds, each part looked at for itself."""
    with _reading(path) as db:
        ((lowest, last),) = db.execute("SELECT min(seq), max(seq) FROM record")
        if lowest < 1:  # nothing needs to be looked at
            yield 1
            return
        last = min(last, RECORDS + 1)
        for one, other in itertools.combinations_with_replacement(range(1, last + 2), 2):
            parts = (range(1, one), range(one, other), range(other, last + 1))
            found = [_first_broken(db, part, envelopes) for part in parts if part]
            yield next((broken for broken in found if broken), 0)


def change(path: Path, seq: int, what: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"UPDATE OR REPLACE record SET {what} WHERE seq = ?", (seq,))


CHANGES = {
    "a sign of the digest": "digest = CASE substr(digest, 1, 1) WHEN '0' THEN '1' ELSE '0' END || substr(digest, 2)",
    "another digest": "digest = lower(hex(zeroblob(32)))",
    "another chain value": "chain = lower(hex(zeroblob(32)))",
    "another digest before": "prev = lower(hex(zeroblob(32)))",
    "no digest before": "prev = NULL",
    "an empty digest before": "prev = '-'",
    "the same digest in other letters": "digest = upper(digest)",
    "the same chain value in other letters": "chain = upper(chain)",
    "the same digest as bytes": "digest = CAST(digest AS BLOB)",
    "the same digest before as bytes": "prev = CAST(coalesce(prev, 'x') AS BLOB)",
    "the same chain value as bytes": "chain = CAST(chain AS BLOB)",
    "a digest with a space": "digest = substr(digest, 1, 62) || ' ' || substr(digest, 63)",
    "two digests in one": "digest = digest || ' ' || digest",
    "a digest that goes on behind its end": "digest = digest || char(0) || 'ab'",
    "half a digest": "digest = substr(digest, 1, 32)",
    "half a chain value": "chain = substr(chain, 1, 32)",
    "no digest": "digest = NULL",
    "no chain value": "chain = NULL",
    "no text": "chain = 'é' || substr(chain, 2)",
    "bytes that are no text": "chain = CAST(x'ff' || chain AS TEXT)",
    "another envelope": "envelope = zeroblob(40)",
    "an envelope that is no bytes": "envelope = 'text'",
    "no envelope": "envelope = NULL",
    "another place": "seq = -seq",
    "a place far away": "seq = seq + 1000",
}


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bare") / "links.db"
    write_links(path)
    assert verify_links(path) == LinkReport(RECORDS, 0)
    return path


@pytest.mark.parametrize("what", CHANGES.values(), ids=CHANGES)
def test_parts_and_whole_name_the_same_link_for_each_that_is_broken(
    links: Path, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.links._TOGETHER", {False: 4, True: 3})
    for seq in range(1, RECORDS + 1):
        path = Path(shutil.copy(links, tmp_path / "copy.db"))
        change(path, seq, what)
        for envelopes in (True, False):
            first = row_by_row(path, envelopes=envelopes)
            assert verify_links(path, envelopes=envelopes).broken == first
            assert set(in_parts(path, envelopes=envelopes)) == {first}
            assert first == seq or what.startswith(("envelope", "seq", "prev = NULL"))


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_parts_and_whole_agree_where_several_links_are_broken(links: Path, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(links, Path(folder) / "copy.db"))
        for seq in data.draw(st.sets(st.integers(1, RECORDS), min_size=1, max_size=3)):
            change(path, seq, data.draw(st.sampled_from(sorted(CHANGES.values()))))
        for envelopes in (True, False):
            first = row_by_row(path, envelopes=envelopes)
            assert verify_links(path, envelopes=envelopes).broken == first


@pytest.mark.parametrize("envelopes", [True, False])
@pytest.mark.parametrize("seq", [1, 2, 4, 5, 8, RECORDS])
def test_processes_that_look_at_a_part_each_name_the_same_link(
    links: Path, tmp_path: Path, seq: int, envelopes: bool
) -> None:
    path = Path(shutil.copy(links, tmp_path / "copy.db"))
    assert verify_links(path, envelopes=envelopes, processes=3) == LinkReport(RECORDS, 0)
    change(path, seq, CHANGES["another chain value"])
    assert verify_links(path, envelopes=envelopes, processes=3) == LinkReport(seq - 1, seq)


def test_a_part_whose_process_dies_is_looked_at_all_the_same(
    links: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(links, tmp_path / "copy.db"))
    change(path, 8, CHANGES["another chain value"])
    monkeypatch.setattr(links_module, "__file__", str(tmp_path / "gone.py"))
    assert verify_links(path, processes=3) == LinkReport(7, 8)
