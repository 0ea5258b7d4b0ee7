"""The quick look at a ledger's links finds each changed envelope and link, and names the place."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from records_builder import HeadOffice, build_ledger

from reports.links import LinkReport, verify_links
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
