"""What a crash left open, said as it is: every attempt without an end becomes `interrupted`, and is never judged.

Runs once when an engine takes the data folder, in one transaction, before anything else is written. What was measured
before the crash stays where it was measured; the run can be gone on with.
"""

from __future__ import annotations

from contextlib import suppress

from sqlite_utils import Database

from checklists.verdict import Ending, Verdict
from drivers.api import Side
from drivers.text import Words
from station.events import Answered, AttemptEnded, Event, RunFinished
from station.journal import event, insert, load
from station.session import Run, fold
from station.unreadable import Unreadable

__all__ = ["INTERRUPTED", "close_what_is_open", "ends_of", "open_runs"]

INTERRUPTED = Words(
    "the bench stopped in the middle: nothing is concluded from this attempt", "检测中途工位中断：本次不作判定"
)


def open_runs(db: Database) -> list[tuple[str, str]]:
    """Ticket and id of every run that nobody ended."""
    rows = db.query(
        "SELECT ticket, run, kind FROM journal WHERE kind IN ('run-opened', 'run-resumed', 'run-finished') ORDER BY seq"
    )
    last = {(row["ticket"], row["run"]): row["kind"] for row in rows}
    return [run for run, kind in last.items() if kind != "run-finished"]


def close_what_is_open(db: Database) -> list[Event]:
    """End what the last engine left open; back come the new events.

    A run that can't be read stays as it is: what would be said of its attempts is not known.
    """
    events: list[Event] = []
    for ticket, run_id in open_runs(db):
        with suppress(Unreadable):
            run = fold(load(db, run=run_id)).runs.get(run_id)
            events += [event(body, ticket, run_id) for body in (ends_of(run) if run else ())]
    return insert(db, events)


def ends_of(run: Run) -> list[Answered | AttemptEnded | RunFinished]:
    """What ends a run that was left open: its prompt is withdrawn, its attempts are interrupted and never judged."""
    bodies: list[Answered | AttemptEnded | RunFinished] = []
    for attempt in run.open_attempts:
        if attempt.question is not None:
            prompt = attempt.question.prompt.prompt
            bodies.append(Answered(attempt=attempt.id, prompt=prompt, outcome="withdrawn"))
        bodies.append(
            AttemptEnded(
                attempt=attempt.id,
                ending=Ending.INTERRUPTED,
                verdict=Verdict.NONE,
                reason=INTERRUPTED,
                side=Side.BENCH.value,
            )
        )
    return [*bodies, RunFinished(reason=INTERRUPTED)]
