"""The store: one writer, commits shared by those who wait, append-only tables, and disks that are full or busy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from station.errors import Trouble
from station.journal import JOURNAL
from station.store import Store, append_only

ROWS = Migrations("rows")


@ROWS()
def m001(db: Database) -> None:
    db.table("row").create({"id": int, "text": str}, pk="id", strict=True)
    append_only(db, "row")


def add(text: str) -> object:
    return lambda db: db.table("row").insert({"text": text})


async def texts(store: Store) -> list[str]:
    return await store.read(lambda db: [row["text"] for row in db.query("SELECT text FROM row ORDER BY id")])


@pytest.fixture
async def store(tmp_path: Path):
    store = Store(tmp_path / "assay.db")
    await store.migrate([ROWS])
    yield store
    store.close()


async def test_writes_that_wait_together_share_a_commit(store: Store) -> None:
    before = store.commits
    hold = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(db: Database) -> None:
        asyncio.run_coroutine_threadsafe(hold.wait(), loop).result()

    first = asyncio.ensure_future(store.write(slow))
    await asyncio.sleep(0.05)
    rest = [asyncio.ensure_future(store.write(add(str(n)))) for n in range(20)]
    await asyncio.sleep(0.05)
    hold.set()
    await asyncio.gather(first, *rest)
    assert len(await texts(store)) == 20
    assert store.commits - before == 2


async def test_a_write_that_fails_takes_none_of_its_neighbours_with_it(store: Store) -> None:
    def broken(db: Database) -> None:
        db.table("row").insert({"text": "half"})
        raise ValueError("a bug")

    done = await asyncio.gather(
        store.write(add("one")), store.write(broken), store.write(add("two")), return_exceptions=True
    )
    assert isinstance(done[1], ValueError)
    assert sorted(await texts(store)) == ["one", "two"]


async def test_a_read_does_not_wait_for_a_writer(store: Store) -> None:
    await store.write(add("there"))
    hold = asyncio.Event()
    loop = asyncio.get_running_loop()
    writing = asyncio.ensure_future(
        store.write(lambda db: asyncio.run_coroutine_threadsafe(hold.wait(), loop).result())
    )
    async with asyncio.timeout(5):
        assert await texts(store) == ["there"]
    hold.set()
    await writing


async def test_every_pragma_that_the_store_stands_on_holds(store: Store) -> None:
    def pragmas(db: Database) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "secure_delete")
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await store.write(pragmas) == ["wal", 2, 1, 1, 1]


async def test_the_files_are_their_owners_alone(store: Store) -> None:
    await store.write(add("x"))
    for path in store.path.parent.glob("assay.db*"):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET body = '{}'",
        "DELETE FROM journal",
        "INSERT OR REPLACE INTO journal SELECT seq, ticket, run, wall_ms, mono_ns, boot_id, kind, '{}' FROM journal",
        "REPLACE INTO journal SELECT seq, ticket, run, wall_ms, mono_ns, boot_id, kind, '{}' FROM journal",
    ],
)
@pytest.mark.parametrize("recursive", ["on", "off"])
async def test_the_journal_only_grows_through_whatever_connection(
    tmp_path: Path, statement: str, recursive: str
) -> None:
    store = Store(tmp_path / "assay.db")
    await store.migrate([JOURNAL])
    row = {"ticket": "", "run": "", "wall_ms": 1, "mono_ns": 1, "boot_id": "b", "kind": "x", "body": "{1}"}
    await store.write(lambda db: db.table("journal").insert(row))
    store.close()
    with sqlite3.connect(tmp_path / "assay.db") as raw:
        raw.execute(f"PRAGMA recursive_triggers={recursive}")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw.execute(statement)
        assert raw.execute("SELECT body FROM journal").fetchall() == [("{1}",)]


async def test_a_full_disk_is_the_benchs_trouble_and_passes_when_there_is_space_again(store: Store) -> None:
    await store.write(add("before"))
    await store.write(lambda db: db.execute("PRAGMA max_page_count=1").fetchone())
    with pytest.raises(Trouble) as caught:
        await asyncio.gather(*(store.write(add("x" * 100_000)) for _ in range(8)))
    assert (caught.value.code, caught.value.side) == ("store.full", "bench")
    kept = await texts(store)
    await store.write(lambda db: db.execute("PRAGMA max_page_count=1000000").fetchone())
    await store.write(add("after"))
    assert await texts(store) == [*kept, "after"]


async def test_a_busy_file_is_said_to_be_busy(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("station.store.BUSY_S", 0.1)
    other = Store(store.path)
    raw = sqlite3.connect(store.path, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(Trouble) as caught:
        await other.write(add("x"))
    assert caught.value.code == "store.busy"
    raw.execute("ROLLBACK")
    await other.write(add("x"))
    raw.close()
    other.close()


async def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "assay.db").write_bytes(b"garbage" * 1000)
    store = Store(tmp_path / "assay.db")
    with pytest.raises(Trouble) as caught:
        await store.migrate([ROWS])
    assert caught.value.code == "store.broken"
    store.close()


async def test_a_schema_whose_text_is_damaged_is_said_in_words(tmp_path: Path) -> None:
    """SQLite quotes that text in its own error, which can't be read as text then."""
    store = Store(tmp_path / "assay.db")
    await store.migrate([ROWS])
    store.close()
    data = (tmp_path / "assay.db").read_bytes()
    (tmp_path / "assay.db").write_bytes(data.replace(b"CREATE TABLE", b"CREATE \xccABLE"))
    store = Store(tmp_path / "assay.db")
    with pytest.raises(Trouble) as caught:
        await store.write(lambda db: db.execute("SELECT 1"))
    store.close()
    assert caught.value.code == "store.broken"


LIMITED = """
import asyncio, resource, sys
from station.errors import Trouble
from station.store import Store
from tests.station.test_store import ROWS, add, texts

async def main():
    store = Store(sys.argv[1])
    await store.migrate([ROWS])
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    acknowledged = 0
    try:
        while True:
            await store.write(add(str(acknowledged) + "x" * 10_000))
            acknowledged += 1
    except Trouble as trouble:
        code = trouble.code
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.write(add("after"))
    found = await texts(store)
    print(code, acknowledged, len([t for t in found if t != "after"]), "after" in found)
    store.close()
asyncio.run(main())
"""


def test_a_file_that_may_not_grow_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path / "assay.db")],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert done.returncode == 0, done.stderr
    code, acknowledged, found, after = done.stdout.split()
    assert code in ("store.io", "store.full")
    assert int(found) >= int(acknowledged) > 3
    assert after == "True"


async def test_after_closing_a_write_says_that_the_store_is_closed(tmp_path: Path) -> None:
    store = Store(tmp_path / "assay.db")
    await store.migrate([ROWS])
    store.close()
    with pytest.raises(Trouble, match=r"store\.closed"):
        await store.write(add("x"))


def in_the_file_alone(path: Path) -> list[str]:
    """What the data file holds without its log: `immutable` lets SQLite look at nothing else."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as db:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'row'").fetchone() is None:
            return []
        return [text for (text,) in db.execute("SELECT text FROM row ORDER BY id")]


def folded(store: Store) -> None:
    """Wait for the thread that folds the log, if there is one."""
    if store._writer._folding is not None:
        store._writer._folding.join()


async def test_the_log_is_folded_beside_the_work_and_not_by_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("station.store.FOLD_COMMITS", 4)
    store = Store(tmp_path / "assay.db")
    await store.migrate([ROWS])
    await store.write(add("a"))
    await store.write(add("b"))
    assert in_the_file_alone(store.path) == []
    await store.write(add("c"))
    folded(store)
    assert in_the_file_alone(store.path) == ["a", "b", "c"]
    await store.write(add("d"))
    assert await texts(store) == ["a", "b", "c", "d"]
    store.close()
    assert in_the_file_alone(store.path) == ["a", "b", "c", "d"]


async def test_a_disk_that_fails_while_the_log_is_folded_takes_nothing_that_was_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("station.store.FOLD_COMMITS", 2)
    monkeypatch.setattr("station.store._existing", fails)
    store = Store(tmp_path / "assay.db")
    await store.migrate([ROWS])
    for n in range(6):
        await store.write(add(str(n)))
        folded(store)
    assert await texts(store) == list("012345")
    store.close()
