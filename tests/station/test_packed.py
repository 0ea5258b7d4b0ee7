"""Packs: parts of attempts that are told together share a row, and nobody who reads the journal can tell."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.verdict import Ending, Verdict
from drivers.api import Side
from drivers.text import Words
from reports.predicates import Quantity
from station import packed, vault
from station.errors import Trouble
from station.events import (
    AttemptEnded,
    AttemptStarted,
    Body,
    Event,
    Held,
    Identifying,
    Measured,
    NotRead,
    Reads,
    RunFinished,
)
from station.journal import JOURNAL, Journal, event, insert, load, not_here
from station.session import fold
from station.store import Store
from station.vault import VAULT
from tests.station.station_bench import IMEI

RUN = "T1/run/1"
SECRET = "call my wife on 555-0100"
VALUES: tuple[Held, ...] = (
    Quantity(v=3712, e=-3, u="V"),
    Identifying(identity=IMEI),
    SECRET,
    "",
    (SECRET, "b"),
    (),
    True,
    False,
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store(tmp_path / "assay.db")
    await store.migrate([VAULT, JOURNAL])
    yield store
    store.close()


def told(*bodies: Body) -> list[Event]:
    return [event(body, "T1", RUN) for body in bodies]


def measured(value: Held, reason: Words | None = None) -> Measured:
    return Measured(
        attempt="a/1",
        name="m",
        value=value,
        unit="V",
        source="s",
        verdict=Verdict.PASS,
        reason=reason,
        limit={"min": {"v": 3, "e": 0}, "odd": {"text": 0}, "older": {"identity": "min"}},
        baseline=value,
    )


def an_attempt() -> list[Event]:
    return told(
        AttemptStarted(attempt="a/1", check="a", n=1),
        Reads(attempt="a/1", name="r", sha256="5" * 64, bytes=3, exit_code=0, started_ms=0, ms=1, media_type="t/p"),
        *(measured(value, Words(SECRET, SECRET)) for value in VALUES),
        NotRead(attempt="a/1", name="n", reason=Words(SECRET, ""), source="s"),
        AttemptEnded(attempt="a/1", ending=Ending.COMPLETED, verdict=Verdict.FAIL, reason=Words(SECRET, SECRET)),
    )


async def rows(store: Store) -> list[str]:
    return await store.read(lambda db: [row["kind"] for row in db.query("SELECT kind FROM journal ORDER BY seq")])


def everything_on_disk(store: Store) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(store.path.parent.glob("assay.db*")))


async def test_what_is_told_of_an_attempt_at_once_stands_in_one_row_and_reads_as_it_was_told(store: Store) -> None:
    journal = Journal(store)
    heard: list[Event] = []
    journal.follow(heard.extend)
    mine = an_attempt()
    stored = await journal.append(mine)
    assert await rows(store) == [packed.KIND]
    assert heard == stored == await store.read(lambda db: load(db, run=RUN))
    assert [each._replace(seq=0) for each in stored] == mine


async def test_nothing_private_of_a_pack_is_on_the_disk_in_clear_and_erasing_its_key_leaves_its_shape(
    store: Store,
) -> None:
    await Journal(store).append(an_attempt())
    raw = everything_on_disk(store)
    for private in (SECRET, IMEI, "5" * 64):
        assert private.encode() not in raw
    await store.write(lambda db: vault.erase(db, "T1"))
    bodies = [each.body for each in await store.read(lambda db: load(db, run=RUN))]
    values = [body.value for body in bodies if isinstance(body, Measured)]
    assert values == [VALUES[0], Identifying(identity=None), "", "", ("", ""), (), True, False]
    assert all(body.limit == measured(True).limit for body in bodies if isinstance(body, Measured))
    ended = bodies[-1]
    assert isinstance(ended, AttemptEnded)
    assert (ended.verdict, tuple(ended.reason or ())) == (Verdict.FAIL, ("", ""))


async def test_runs_that_are_told_together_share_no_row(store: Store) -> None:
    mine, other = an_attempt(), [each._replace(run="T1/run/2") for each in an_attempt()]
    await Journal(store).append([*mine, *other, *told(RunFinished())])
    assert await rows(store) == [packed.KIND, packed.KIND, "run-finished"]
    assert [each.run for each in await store.read(lambda db: load(db))] == [
        *(each.run for each in (*mine, *other)),
        RUN,
    ]


CUTS = st.lists(st.tuples(st.integers(0, 13), st.integers(1, 13)), min_size=1, max_size=6)


@given(CUTS)
async def test_however_parts_are_tried_again_each_is_stored_once_and_told_once(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[tuple[int, int]]
) -> None:
    store = Store(tmp_path_factory.mktemp("packed") / "assay.db")
    await store.migrate([VAULT, JOURNAL])
    journal = Journal(store)
    heard: list[Event] = []
    journal.follow(heard.extend)
    mine = an_attempt()
    try:
        tried = [mine[first : first + count] for first, count in cuts]
        for part in tried:
            stored = await journal.append(part)
            assert [each._replace(seq=0) for each in stored] == part
        every = sorted({each.mono_ns for part in tried for each in part})
        kept = await store.read(lambda db: load(db, run=RUN))
        assert sorted(each.mono_ns for each in kept) == sorted(each.mono_ns for each in heard) == every
        assert await store.read(lambda db: not_here(db, mine)) == [each for each in mine if each.mono_ns not in every]
    finally:
        store.close()


async def test_a_pack_whose_commit_failed_in_doubt_is_found_when_its_parts_come_again(store: Store) -> None:
    """As after an I/O error in a commit that is durable all the same: nobody was told, the caller tries again."""
    journal = Journal(store)
    heard: list[Event] = []
    journal.follow(heard.extend)
    mine = an_attempt()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal.store, "write", _unconfirmed(journal.store.write))
        with pytest.raises(Trouble):
            await journal.append(mine[:5])
    await journal.append(mine[3:])
    await journal.append(mine)
    assert [each.mono_ns for each in await store.read(lambda db: load(db, run=RUN))] == [each.mono_ns for each in mine]
    assert sorted(each.mono_ns for each in heard) == [each.mono_ns for each in mine]


def _unconfirmed(write: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    async def lying(work: object) -> object:
        await write(work)
        raise Trouble("store.io", Words("the disk failed", "磁盘出错"), Side.BENCH, Words("try again", "重试"))

    return lying


async def test_events_that_come_from_elsewhere_one_by_one_and_again_are_not_doubled(store: Store) -> None:
    mine = [each._replace(boot_id="elsewhere") for each in an_attempt()]
    await store.write(lambda db: insert(db, mine[:7]))
    await store.write(lambda db: insert(db, mine))
    kept = await store.read(lambda db: load(db, run=RUN))
    assert [each._replace(seq=0) for each in kept] == mine


async def test_the_session_of_packs_is_the_session_of_its_events(store: Store) -> None:
    journal = Journal(store)
    mine = an_attempt()
    for first, last in itertools.pairwise((0, 4, 5, len(mine))):
        await journal.append(mine[first:last])
    assert fold(await store.read(lambda db: load(db, run=RUN))) == fold(mine)
