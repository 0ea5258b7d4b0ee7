"""What the ledger costs: verifying links, records and signatures, deciding a release, storing, finding a ticket.

    python benchmarks/ledger.py [--links 1000000] [--records 100000] [--tickets 100000] [--rounds 5] [--stored 400]

Everything is in files of a temporary folder. Records are of 5.5 KB; their reading stands beside a bare SELECT with
SHA-256 over the same file in the same round. Storing is one record with two signatures, its link, its outbox row, its
event and its ticket's row in one commit of the station's own store, in a process loaded with a library that counts
fsyncs and slows them down (Linux with a C compiler). Its parts and the slowest ones say where the time goes, so that a
disk that others use can be told from the station (TMPDIR=/dev/shm leaves the disk out, but for the delay). The tickets
have twelve events each in the journal. Where a time is the processor's own, its median stands behind the wall time: on
a machine that others use it tells more.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "reports")]

from records_builder import Shop, good_case  # noqa: E402
from sqlite_utils import Database  # noqa: E402

from benchmarks.fsync import compiled  # noqa: E402
from benchmarks.table import bar, row, spread  # noqa: E402
from reports import attest, replay  # noqa: E402
from reports.attest import assemble_envelope, open_envelope, sign, verify_signature  # noqa: E402
from reports.ledger import LEDGER, append  # noqa: E402
from reports.links import verify_links  # noqa: E402
from reports.record import make_statement  # noqa: E402
from reports.release import verify_release  # noqa: E402
from station import tickets  # noqa: E402
from station.events import Sealed, TicketRegistered  # noqa: E402
from station.heap import collect_seldom  # noqa: E402
from station.journal import JOURNAL, event, insert, load  # noqa: E402
from station.outbox import OUTBOX, enqueue  # noqa: E402
from station.session import Session, fold  # noqa: E402
from station.store import Store  # noqa: E402
from station.vault import VAULT  # noqa: E402

WIDTHS = (52, 46, 26)
RECORD_BYTES = 5500
#: How many of the slowest records say where their time went.
WORST = 4


class Times(list[float]):
    """Seconds of wall time of each round; `cpu` has those of the processor's, of all processes together."""

    def __init__(self) -> None:
        super().__init__()
        self.cpu: list[float] = []

    def told(self, unit: str = "ms", scale: float = 1000.0) -> str:
        """`min / median / max`, and the median of the processor's."""
        return f"{spread(self, unit, scale)} cpu {scale * statistics.median(self.cpu):.1f}"


def timed(work: Callable[[], Any], rounds: int) -> Times:
    """Seconds of each of so many rounds."""
    times = Times()
    for _ in range(rounds):
        began, cpu = time.perf_counter(), _cpu_s()
        work()
        times.append(time.perf_counter() - began)
        times.cpu.append(_cpu_s() - cpu)
    return times


def _cpu_s() -> float:
    """Processor time of this process and those that it has waited for."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def ledger_of(path: Path, count: int, size: int) -> None:
    """A ledger's table with so many links over envelopes of that size; signatures are measured apart."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = OFF")
    LEDGER.apply(Database(db))
    # Written in bulk: the guards that every row meets in a station are taken off while this file is made.
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")

    def rows() -> Any:
        chain, before, body = b"", None, random.Random(1).randbytes(size)
        for number in range(1, count + 1):
            envelope = number.to_bytes(8, "big") + body[8:]
            own = hashlib.sha256(envelope).digest()
            chain = hashlib.sha256(b"\x01" + chain + own).digest() if chain else own
            yield number, own.hex(), before, chain.hex(), "run/v1", None, 1, 1, "boot", "free-running", envelope
            before = own.hex()

    db.execute("BEGIN")
    db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows())
    db.execute("COMMIT")
    db.close()


# --- links and records ---


def bench_links(folder: Path, count: int, rounds: int) -> None:
    path = folder / "links.db"
    ledger_of(path, count, 16)
    alone = timed(lambda: verify_links(path, envelopes=False, processes=1), rounds)
    times = timed(lambda: verify_links(path, envelopes=False), rounds)
    assert verify_links(path, envelopes=False).records == count
    row(f"chain of {count} links", times.told("s", 1), bar(times, 3, least=False, unit=" s"), widths=WIDTHS)
    row("  in one process", alone.told("s", 1), "–", widths=WIDTHS)
    path.unlink()


def bench_records(folder: Path, count: int, rounds: int) -> None:
    path = folder / "records.db"
    ledger_of(path, count, RECORD_BYTES)

    def alone() -> None:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            for (envelope,) in db.execute("SELECT envelope FROM record ORDER BY seq"):
                hashlib.sha256(envelope).digest()

    alone()  # the file is in memory for both
    bare: list[float] = []
    ours: list[float] = []
    for _ in range(rounds):
        bare += timed(alone, 1)
        ours += timed(lambda: verify_links(path, processes=1), 1)
    reached = [one / other for one, other in zip(bare, ours, strict=True)]
    row(f"SELECT + SHA-256 alone, {count} records of 5.5 KB", spread(bare, "s", 1), "1", widths=WIDTHS)
    row("links and digests verified", spread(ours, "s", 1), bar(reached, 0.7, least=True), widths=WIDTHS)
    path.unlink()


def bench_signatures(rounds: int) -> None:
    shop = Shop()
    envelope = open_envelope(big_record(shop)[0])
    key = next(key for key in shop.roster.keys.values() if key.id == envelope.signatures[0].key_id)
    signature = envelope.signatures[0].signature

    def hundred() -> None:
        for _ in range(200):
            verify_signature(key.public, envelope.payload, signature)

    rates = [200 / seconds for seconds in timed(hundred, rounds)]
    row("signatures verified over 5.5 KB, each second", f"{statistics.median(rates):.0f}", "–", widths=WIDTHS)


def bench_release(rounds: int) -> None:
    case = good_case()
    roster = case.shop.roster
    case.envelopes.pop()

    def decide() -> None:
        decision = verify_release(case.envelopes, roster, approver="li", at_ms=case.shop.now_ms)
        assert decision.released

    def unopened() -> None:
        attest._opened.cache_clear()
        decide()

    def unknown() -> None:
        replay._read.cache_clear()
        unopened()

    for title, work in (
        ("verify_release()", decide),
        ("  no record opened before", unopened),
        ("  nor any checklist read", unknown),
    ):
        times = timed(work, rounds * 10)
        row(title, times.told(), _ms(times, 5), widths=WIDTHS)


def _ms(seconds: Sequence[float], bound: float) -> str:
    return bar([1000 * one for one in seconds], bound, least=False, unit=" ms")


# --- storing ---


def big_record(shop: Shop, number: int = 0) -> tuple[bytes, str]:
    """A waiver of 5.5 KB with the station's and the lead's signature, and its ticket."""
    from reports.predicates import WaiverV1

    shop.ticket = f"T-{number:04}"
    checks = tuple(f"check-{at:03}-of-a-long-list-with-a-long-name-{number:06}" for at in range(75))
    predicate = WaiverV1(
        **shop.signed("zhao", "lead", "waived"),
        waiver="not-run",
        checks=checks,
        runs=("a" * 64,),
        reason="the customer waits",
    )
    payload = make_statement("waiver/v1", "b" * 64, predicate)
    signatures = [sign(payload, shop.keys["zhao"]), sign(payload, shop.keys[shop.station])]
    return assemble_envelope(payload, signatures), shop.ticket


#: Where the time of a record goes: made and signed twice; handed to the writer's thread; appended (opened, signatures
#: checked, rows written); told to the journal and the list; committed, and handed back.
PARTS = ("make", "hand over", "append", "tell", "commit")


async def store_records(path: Path, count: int) -> None:
    """Store so many records, each in its own commit; print as JSON what each took in all, by part and of the processor.

    As in an engine, what stays for good is kept out of the way of the garbage collector first.
    """
    store, shop = Store(path), Shop()
    await store.migrate([LEDGER, OUTBOX, VAULT, JOURNAL, tickets.TICKETS])
    roster = shop.roster

    def enrol(db: Database) -> None:
        for envelope in shop.events:
            link = append(db, envelope)
            enqueue(db, link.seq, link.digest)

    await store.write(enrol)
    log = os.environ["ASSAY_FSYNC_LOG"]
    before, rows, session = _size(log), [], Session()
    collect_seldom()
    for number in range(count):
        cpu, fsyncs, marks = time.process_time(), _size(log), [time.perf_counter()]
        envelope, ticket = big_record(shop, number % 100)
        marks.append(time.perf_counter())

        def work(db: Database, envelope: bytes = envelope, ticket: str = ticket, marks: list[float] = marks) -> None:
            marks.append(time.perf_counter())
            link = append(db, envelope, roster=roster)
            enqueue(db, link.seq, link.digest)
            marks.append(time.perf_counter())
            told = Sealed(record="waiver/v1", digest=link.digest, seq=link.seq, person="zhao")
            opened = TicketRegistered(person="zhao", model="One", complaint="slow")
            stored = insert(db, [event(opened, ticket), event(told, ticket)])
            tickets.save(db, fold(stored, session))
            marks.append(time.perf_counter())

        await store.write(work)
        marks.append(time.perf_counter())
        parts = [later - earlier for earlier, later in pairwise(marks)]
        rows.append({"parts": parts, "cpu": time.process_time() - cpu, "fsyncs": _size(log) - fsyncs})
    print(json.dumps({"rows": rows, "fsyncs": _size(log) - before}))
    store.close()


def _size(path: str) -> int:
    return os.stat(path).st_size


def bench_storing(folder: Path, count: int) -> None:
    library = compiled(folder)
    for delay_ms in (0, 5):
        home = folder / f"store-{delay_ms}"
        home.mkdir()
        log = home / "fsyncs"
        log.touch()
        extra = {"LD_PRELOAD": str(library), "ASSAY_FSYNC_LOG": str(log), "ASSAY_FSYNC_DELAY_US": str(1000 * delay_ms)}
        command = [sys.executable, __file__, "--store-into", str(home / "assay.db"), "--stored", str(count)]
        done = subprocess.run(command, env={**os.environ, **extra}, check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        slowest_last = sorted(told["rows"], key=lambda one: sum(one["parts"]))
        times = Times()
        times += [sum(one["parts"]) for one in slowest_last]
        times.cpu += [one["cpu"] for one in slowest_last]
        p99 = times[_p99(times)]
        title = f"5.5 KB, two signatures, stored; fsync + {delay_ms} ms"
        row(title, times.told(), f"p99 {1000 * p99:.1f} {_ms([p99], 15)}", widths=WIDTHS)
        row("  fsyncs for each", f"{told['fsyncs'] / count:.2f}", "–", widths=WIDTHS)
        for at, part in enumerate(PARTS):
            of_part = sorted(one["parts"][at] for one in slowest_last)
            row(f"  {part}", f"{spread(of_part)} p99 {1000 * of_part[_p99(of_part)]:.1f}", "–", widths=WIDTHS)
        for one in slowest_last[: -1 - WORST : -1]:
            where = ", ".join(f"{part} {1000 * each:.1f}" for part, each in zip(PARTS, one["parts"], strict=True))
            row("  one of the worst", f"{where}; fsyncs {one['fsyncs']}", "–", widths=WIDTHS)


def _p99(ordered: Sequence[object]) -> int:
    return max(0, round(0.99 * len(ordered)) - 1)


# --- tickets ---


def bench_tickets(folder: Path, count: int, rounds: int) -> None:
    path = folder / "tickets.db"
    db = Database(sqlite3.connect(path, isolation_level=None))
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA journal_mode = WAL")
    for each in (LEDGER, OUTBOX, VAULT, JOURNAL, tickets.TICKETS):
        each.apply(db)
    models = [f"Phone {number}" for number in range(40)]
    chance = random.Random(1)
    for start in range(0, count, 500):
        db.execute("BEGIN")
        for number in range(start, min(start + 500, count)):
            ticket = f"T2611-{number:06}"
            opened = TicketRegistered(person="zhao", model=chance.choice(models), complaint="slow since it fell")
            told = [Sealed(record="run/v1", digest=f"{n:064x}", seq=n + 1, person="zhao") for n in range(11)]
            stored = insert(db, [event(body, ticket) for body in (opened, *told)])
            tickets.save(db, fold(stored))
        db.execute("COMMIT")
    searches = {
        "newest page": "",
        "by number": f"T2611-{count // 2:06}",
        "by part of a number": "9999",
        "by model": "Phone 39",
        "by state": "registered",
        "nothing found": "zzzz",
    }
    for title, text in searches.items():
        times = timed(lambda text=text: tickets.rows(db, text, 50), rounds * 3)  # type: ignore[misc]
        row(f"search in {count} tickets: {title}", times.told(), _ms(times, 50), widths=WIDTHS)
    places = [f"T2611-{chance.randrange(count):06}" for _ in range(rounds * 10)]
    left = iter(places)
    times = timed(lambda: fold(load(db, ticket=next(left))), len(places))
    row("ticket page: its session", times.told(), _ms(times, 50), widths=WIDTHS)
    db.conn.close()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--links", type=int, default=1_000_000)
    arguments.add_argument("--records", type=int, default=100_000)
    arguments.add_argument("--tickets", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--stored", type=int, default=400)
    arguments.add_argument("--store-into", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.store_into:
        asyncio.run(store_records(given.store_into, given.stored))
        return
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        folder = Path(name)
        row("what", "min / median / max", "bar", widths=WIDTHS)
        row("---", "---", "---", widths=WIDTHS)
        bench_links(folder, given.links, given.rounds)
        bench_records(folder, given.records, given.rounds)
        bench_signatures(given.rounds)
        bench_release(given.rounds)
        bench_storing(folder, given.stored)
        bench_tickets(folder, given.tickets, given.rounds)


if __name__ == "__main__":
    main()
