"""The steps that a run is made of, one after the other in one thread, with nothing around them.

Sixty answers are hashed and parsed, 120 readings judged, all of it made events, and answers and events encrypted and
committed with the settings of the station's own database: by the station's own functions, with no phone, socket, loop,
screen or other thread. An engine that is made of these functions can't be quicker on one processor.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from sqlite_utils import Database

from benchmarks.sim_process import BATTERY, LINES
from benchmarks.sixty import EACH, probes, write_sixty
from checklists.canonical import dump_model
from checklists.judge import Judged, judge_check, judge_measurement
from checklists.load import load_checklist
from checklists.verdict import Ending
from probes.api import Measurement
from probes.battery_dump import battery
from station import vault
from station.events import AttemptEnded, AttemptStarted, Body, Measured, Reads
from station.journal import JOURNAL, _insert_new, _Scopes, event
from station.store import CACHE_KIB, PRAGMAS
from station.values import as_value, held

__all__ = ["Floor", "floor"]


class Floor:
    """Does the steps of runs on a database of its own."""

    def __init__(self, folder: Path, db: Database) -> None:
        self._checks = load_checklist(str(write_sixty(folder)), probes()).checks
        self._limits = {(c.id, one.measure): (one, dump_model(one)) for c in self._checks for one in c.limits}
        self._db, self._runs = db, 0

    def seconds(self, runs: int) -> float:
        """Seconds of wall time for so many runs, one after the other, a commit each."""
        began = time.perf_counter()
        for _ in range(runs):
            self._runs += 1
            self._run(f"R{self._runs}")
        return time.perf_counter() - began

    def _run(self, run: str) -> None:
        bodies: list[Body] = []
        kept: list[vault.Kept] = []
        for number, check in enumerate(self._checks):
            attempt = f"{run}/{check.id}/1"
            bodies.append(AttemptStarted(attempt=attempt, check=check.id, n=1))
            judged: list[Judged] = []
            for at, line in enumerate(LINES[number * EACH : (number + 1) * EACH]):
                answer = _answer(self._runs * len(LINES) + number * EACH + at)
                kept.append(vault.Kept(f"read-{at}", "text/plain", answer))
                bodies.append(_reads(attempt, kept[-1]))
                facts = battery(answer).facts
                for name, unit, fact in ((f"level_{at}", "%", "level"), (f"voltage_{at}", "mV", "voltage_mV")):
                    limit, dumped = self._limits.get((check.id, name), (None, None))
                    value = held(Decimal(str(facts[fact])), unit)
                    said = as_value(value)
                    assert said is not None
                    judged.append(judge_measurement(limit, Measurement(name, said, line), unit, {}))
                    bodies.append(
                        Measured(
                            attempt=attempt,
                            name=name,
                            value=value,
                            unit=unit,
                            source=line,
                            verdict=judged[-1].verdict,
                            reason=judged[-1].reason,
                            limit=dumped,
                            baseline=None,
                        )
                    )
            verdict, reason, finding = judge_check(check, judged, ())
            bodies.append(
                AttemptEnded(attempt=attempt, ending=Ending.COMPLETED, verdict=verdict, reason=reason, finding=finding)
            )
        events = [event(body, run=run) for body in bodies]
        self._db.conn.execute("BEGIN IMMEDIATE")
        scopes = _Scopes(self._db)
        scope = scopes[run]
        assert scope is not None
        vault.keep(self._db, scope, kept)
        _insert_new(self._db, events, scopes)
        self._db.conn.execute("COMMIT")


def _answer(number: int) -> bytes:
    return BATTERY.format(counter=2_500_000 + number, level=80, voltage=4100).encode()


def _reads(attempt: str, kept: vault.Kept) -> Reads:
    digest = hashlib.sha256(kept.data).hexdigest()
    return Reads(
        attempt=attempt,
        name=kept.name,
        sha256=digest,
        bytes=len(kept.data),
        exit_code=0,
        started_ms=0,
        ms=5,
        failure="",
        media_type=kept.media_type,
    )


@contextmanager
def floor(folder: Path) -> Iterator[Floor]:
    """The steps, with a database in that folder."""
    folder.mkdir()
    conn = sqlite3.connect(folder / "floor.db", isolation_level=None, check_same_thread=False)
    try:
        for pragma, value in PRAGMAS.items():
            conn.execute(f"PRAGMA {pragma}={value}")
        conn.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        db = Database(conn)
        JOURNAL.apply(db)
        vault.VAULT.apply(db)
        yield Floor(folder, db)
    finally:
        conn.close()
