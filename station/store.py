"""The one file where the station keeps what happened: `DATA/assay.db`, SQLite through sqlite-utils.

One writer thread owns the writing connection, so "journalled before going on" blocks nobody else; writes that wait
together share one commit and one fsync. It knows transactions and what a full disk means, and nothing of tickets.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from drivers.api import Side
from drivers.text import Words
from station.errors import Trouble

__all__ = ["Store", "append_only", "insert_rows", "store_trouble"]

T = TypeVar("T")

#: Seconds that a transaction waits for another process that writes the same file. A program that empties the
#: write-ahead log holds the lock until the slowest reader is done: with 5 s this was an error on a busy machine.
BUSY_S = 20.0
#: The most waiting writes that share one commit: bounds how much is done again when one of them fails.
TOGETHER = 64
#: How often a failed commit is tried to be written over before the disk is taken for dead.
OVERWRITES = 3
#: What must hold on the writing connection; checked at every open: SQLite ignores a PRAGMA it can't obey in silence.
PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1, "secure_delete": 1}
#: Kibibytes of the data file that the writer keeps in memory: the indexes of evidence are written all over.
CACHE_KIB = 16 * 1024
#: Commits after which the write-ahead log is folded into the data file by a thread beside the work: a commit that folds
#: it takes three fsyncs and the one after it two, and one in fifty did (SQLite's own limit is 1,000 pages).
FOLD_COMMITS = 128
#: Pages of the log at which a commit folds it all the same: writes that never rest leave that thread always behind.
LOG_PAGES = 8000
#: The most rows of one statement, a power of two; SQLite takes 32,766 values in one (SQLITE_MAX_VARIABLE_NUMBER).
ROWS_TOGETHER = 128

_FULL = Words("The bench's disk is full: nothing more can be written down", "工位磁盘已满，无法继续记录")
_FREE_SPACE = Words(
    "Free some space on the bench, then try again; everything up to here is kept",
    "请清理工位磁盘空间后重试；此前的记录均已保存",
)
_IO = Words("The bench's disk failed while writing ({name})", "写入工位磁盘时出错（{name}）")
_CHECK_DISK = Words(
    "Check the disk and its cable, make a backup, then try again; everything confirmed so far is kept",
    "请检查磁盘及连接，先备份再重试；已确认的记录均已保存",
)
_BUSY = Words("Another program holds the bench's data file", "工位数据文件被其他程序占用")
_CLOSE_OTHER = Words("Close programs that have assay.db open, then try again", "请关闭占用 assay.db 的程序后重试")
_READ_ONLY = Words("The bench's data folder can't be written", "工位数据目录不可写")
_PERMIT = Words("Give this user write permission to the data folder", "请为当前用户开通数据目录的写权限")
_BROKEN = Words("The bench's data file is damaged ({name})", "工位数据文件已损坏（{name}）")
_RESTORE = Words(
    "Stop work, keep the file as it is, and restore the last backup", "请停止作业，保留现有文件，并恢复最近的备份"
)
_CLOSED = Words("The bench's data file is closed", "工位数据文件已关闭")
_START_AGAIN = Words("Start the engine again", "请重新启动引擎")

_BY_NAME: tuple[tuple[str, str, Words, Words], ...] = (
    ("SQLITE_FULL", "store.full", _FULL, _FREE_SPACE),
    ("SQLITE_IOERR", "store.io", _IO, _CHECK_DISK),
    ("SQLITE_BUSY", "store.busy", _BUSY, _CLOSE_OTHER),
    ("SQLITE_LOCKED", "store.busy", _BUSY, _CLOSE_OTHER),
    ("SQLITE_READONLY", "store.read-only", _READ_ONLY, _PERMIT),
    ("SQLITE_CANTOPEN", "store.read-only", _READ_ONLY, _PERMIT),
    ("SQLITE_PERM", "store.read-only", _READ_ONLY, _PERMIT),
    ("SQLITE_CORRUPT", "store.broken", _BROKEN, _RESTORE),
    ("SQLITE_NOTADB", "store.broken", _BROKEN, _RESTORE),
)


def store_trouble(error: BaseException) -> BaseException:
    """`error` as a `Trouble` on the bench's side when the disk or the file is to blame; else `error` itself."""
    name = str(getattr(error, "sqlite_errorname", "") or "")
    for prefix, code, what, next_step in _BY_NAME:
        if isinstance(error, sqlite3.Error) and name.startswith(prefix):
            trouble = Trouble(code, what.fill(name=name), Side.BENCH, next_step)
            trouble.__cause__ = error
            return trouble
    return error


def append_only(db: Database, table: str) -> None:
    """Forbid UPDATE and DELETE on `table`, and an INSERT that would replace a row, by triggers.

    The insert guard is there because a connection with `recursive_triggers` off lets `INSERT OR REPLACE` pass a delete
    trigger. Triggers stop accidents; what stops an attacker is the signed chain.
    """
    key = db.table(table).pks[0]
    say = f"SELECT RAISE(ABORT, '{table} is append-only')"
    db.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {say}; END")
    db.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {say}; END")
    same = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - our own names
    db.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {same} BEGIN {say}; END")


def insert_rows(
    db: Database, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], clause: str = ""
) -> tuple[int, int]:
    """Insert the rows in their order; gives how many of them are new, and the place of the last one.

    In few statements: each hands the interpreter's lock to the engine's other threads and waits to have it back, which
    with many phones takes longer than the statement itself (measured). Their lengths are powers of two, so that the
    same few are compiled once and found again.

    Args:
        clause: what follows the rows, as `ON CONFLICT ... DO NOTHING`.
    """
    new = last = at = 0
    while at < len(rows):
        count = min(ROWS_TOGETHER, 1 << ((len(rows) - at).bit_length() - 1))
        statement = _insertion(table, tuple(columns), count, clause)
        cursor = db.conn.execute(statement, [*chain.from_iterable(rows[at : at + count])])
        new, last, at = new + cursor.rowcount, cursor.lastrowid or 0, at + count
    return new, last


@functools.cache
def _insertion(table: str, columns: tuple[str, ...], count: int, clause: str) -> str:
    places = ", ".join([f"({', '.join('?' * len(columns))})"] * count)
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {places} {clause}"  # noqa: S608 - our own names


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Database], Any]
    done: Future[Any]


class _Lane:
    """A thread with its own connection that does jobs in order."""

    def __init__(self, path: Path, *, writes: bool) -> None:
        self._path, self._writes = path, writes
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._db: Database | None = None
        self._closed = False
        self._folding: threading.Thread | None = None
        self.commits = 0
        name = "assay-writer" if writes else "assay-reader"
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[Database], T]) -> Future[T]:
        done: Future[T] = Future()
        if self._closed:
            done.set_exception(Trouble("store.closed", _CLOSED, Side.BENCH, _START_AGAIN))
        else:
            self._jobs.put(_Job(work, done))
        return done

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        if self._folding is not None:
            self._folding.join()

    def _serve(self) -> None:
        going_on = True
        while going_on:
            taken = [self._jobs.get()]
            while self._writes and len(taken) < TOGETHER and not self._jobs.empty():
                taken.append(self._jobs.get())
            going_on = None not in taken
            self._do([job for job in taken if job is not None and job.done.set_running_or_notify_cancel()])
        self._drop()

    def _do(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        try:
            results = self._transaction(jobs)
        except BaseException as error:
            if len(jobs) > 1:  # one of them is at fault: each on its own, so that the others do not suffer for it
                for job in jobs:
                    self._do([job])
                return
            jobs[0].done.set_exception(store_trouble(error))
            return
        for job, result in zip(jobs, results, strict=True):
            job.done.set_result(result)

    def _transaction(self, jobs: list[_Job]) -> list[Any]:
        db = self._open()
        committing = False
        try:
            db.conn.execute("BEGIN IMMEDIATE" if self._writes else "BEGIN")
            results = [job.work(db) for job in jobs]
            committing = self._writes
            db.conn.execute("COMMIT")
        except BaseException as error:
            self._roll_back(db, error, committing=committing)
            raise
        self.commits += self._writes
        if self._writes and self.commits % FOLD_COMMITS == 0 and not (self._folding and self._folding.is_alive()):
            self._folding = threading.Thread(target=_fold, args=(self._path,), name="assay-log", daemon=True)
            self._folding.start()
        return results

    def _roll_back(self, db: Database, error: BaseException, *, committing: bool) -> None:
        name = str(getattr(error, "sqlite_errorname", "") or "")
        try:
            if db.conn.in_transaction:  # SQLite itself may have rolled back already (full disk, I/O error)
                db.conn.execute("ROLLBACK")
            if committing:
                _overwrite(db, OVERWRITES)
        except sqlite3.Error:
            name = "SQLITE_IOERR"
        if name.startswith(("SQLITE_IOERR", "SQLITE_CORRUPT", "SQLITE_NOTADB")):
            self._drop()

    def _open(self) -> Database:
        if self._db is None:
            conn = sqlite3.connect(self._path, timeout=BUSY_S)
            try:
                self._db = self._set_up(Database(conn))
            except BaseException as error:
                conn.close()
                if isinstance(error, UnicodeDecodeError):  # SQLite quotes the damaged text of its schema
                    raise Trouble("store.broken", _BROKEN.fill(name="SQLITE_CORRUPT"), Side.BENCH, _RESTORE) from error
                raise
        return self._db

    def _set_up(self, db: Database) -> Database:
        if not self._writes:
            db.conn.execute("PRAGMA query_only=ON")
            return db
        for pragma, value in PRAGMAS.items():
            db.conn.execute(f"PRAGMA {pragma}={value}")
            got = db.conn.execute(f"PRAGMA {pragma}").fetchone()[0]
            if got != value:
                raise sqlite3.NotSupportedError(f"PRAGMA {pragma} is {got!r} and not {value!r}")
        db.conn.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        db.conn.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        return db

    def _drop(self) -> None:
        if self._db is not None:
            self._db.conn.close()
            self._db = None


def _fold(path: Path) -> None:
    """Fold the write-ahead log into the data file as far as nobody is in the way; nobody has to wait for it.

    A disk that fails here is met by the next commit as well, and said there.
    """
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_existing(path)) as db:
        db.execute(f"PRAGMA synchronous={PRAGMAS['synchronous']}")
        db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def _existing(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)


def _overwrite(db: Database, tries: int) -> None:
    """Commit what changes nothing, in the place of a commit that has just failed.

    When only its fsync failed, the failed commit lies whole in the write-ahead log: a process killed now would find it
    there at its next start and take for done what was refused. Its first page in the log is written over by this, and
    the rest counts for nothing, since each page's checksum goes on from the one before it (SQLite, "WAL file format").

    Raises:
        sqlite3.Error: the disk goes on failing.
    """
    (version,) = db.conn.execute("PRAGMA user_version").fetchone()
    try:
        db.conn.execute("BEGIN IMMEDIATE")
        db.conn.execute(f"PRAGMA user_version={int(version)}")
        db.conn.execute("COMMIT")
    except sqlite3.Error:
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK")
        if tries <= 1:
            raise
        _overwrite(db, tries - 1)


class Store:
    """The station's data file.

    `write` and `read` take a function of the `sqlite_utils.Database`. It runs in the store's thread, may be run a
    second time after a rollback when a neighbour in the same commit failed, and so must only use the database.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives the -wal and -shm the same mode
        self._writer = _Lane(self.path, writes=True)
        self._reader: _Lane | None = None

    @property
    def commits(self) -> int:
        """How many transactions were committed; with `synchronous=FULL` in WAL each is one fsync."""
        return self._writer.commits

    def write(self, work: Callable[[Database], T]) -> asyncio.Future[T]:
        """Run `work` in BEGIN IMMEDIATE ... COMMIT; it waits for its turn when this comes back, and what is awaited is
        that the commit is on the disk.

        Raises:
            Trouble: (awaited) the disk is full or failing, or the file is held by another program. Nothing of `work` is
                stored (where the disk takes no write at all after a commit's fsync failed, and the bench is killed
                before it does again, it may be: a retry must find out).
        """
        return asyncio.wrap_future(self._writer.submit(work))

    async def read(self, work: Callable[[Database], T]) -> T:
        """Run `work` in a read transaction of its own; never waits for a writer.

        Raises:
            Trouble: the file can't be read.
        """
        if self._reader is None:
            self._reader = _Lane(self.path, writes=False)
        return await asyncio.wrap_future(self._reader.submit(work))

    async def migrate(self, migrations: Iterable[Migrations]) -> None:
        """Bring every schema up to date, all in one transaction.

        Raises:
            Trouble: the disk is full or failing.
        """
        every = list(migrations)
        await self.write(lambda db: [each.apply(db) for each in every])

    def close(self) -> None:
        """Finish the writes that wait, then let go of the file. Blocks until that is done."""
        if self._reader is not None:
            self._reader.close()
        self._writer.close()
