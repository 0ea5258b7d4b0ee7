"""The journal: what was told is on the disk, identities are unreadable without their key, and nothing is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.verdict import Ending, Verdict
from drivers.text import Words
from reports.predicates import Quantity
from station import vault
from station.events import (
    BODY,
    AttemptEnded,
    DeviceLost,
    Event,
    Identifying,
    Measured,
    TicketOpened,
)
from station.journal import JOURNAL, Journal, event, insert, load
from station.session import fold
from station.store import Store
from station.vault import VAULT, Kept
from tests.station.station_bench import IMEI


def opened(imei: str = IMEI) -> TicketOpened:
    return TicketOpened(
        person="tech",
        model="Phone 1",
        serial=Identifying(identity="SER0001"),
        imeis=(Identifying(identity=imei),),
        complaint="slow",
        appearance="",
        accessories="",
    )


@pytest.fixture
async def store(tmp_path: Path):
    store = Store(tmp_path / "assay.db")
    await store.migrate([VAULT, JOURNAL])
    yield store
    store.close()


def everything_on_disk(store: Store) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(store.path.parent.glob("assay.db*")))


async def test_an_identity_is_folded_in_plain_and_stored_unreadable(store: Store) -> None:
    journal = Journal(store)
    secret = b"a screenshot with names"
    await journal.append([event(opened(), "T1")], [Kept("shot", "image/png", secret)])
    session = fold(await store.read(lambda db: load(db, ticket="T1")))
    assert session.opened is not None
    assert session.opened.imeis[0].identity == IMEI
    raw = everything_on_disk(store)
    assert b"SER0001" not in raw
    assert IMEI.encode() not in raw
    assert secret not in raw


async def test_evidence_comes_back_by_its_digest_until_its_key_is_destroyed(store: Store) -> None:
    journal = Journal(store)
    await journal.append([event(opened(), "T1")], [Kept("log", "text/plain", b"hello")])
    sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert await store.read(lambda db: vault.evidence(db, sha256)) == ("T1", Kept("log", "text/plain", b"hello"))
    await store.write(lambda db: vault.erase(db, "T1"))
    assert await store.read(lambda db: vault.evidence(db, sha256)) is None
    session = fold(await store.read(lambda db: load(db, ticket="T1")))
    assert session.opened is not None
    assert session.opened.imeis[0].identity is None
    assert session.opened.model == "Phone 1"


async def test_a_key_opens_nothing_of_another_ticket(store: Store) -> None:
    def swap(db):
        mine = vault.open_scope(db, "T1", make=True)
        other = vault.open_scope(db, "T2", make=True)
        sealed = mine.seal(b"name", "personal")
        stolen = vault.Scope("T2", mine.key, mine.salt)
        return (
            mine.open(sealed, "personal"),
            other.open(sealed, "personal"),
            stolen.open(sealed, "personal"),
            (mine.open(sealed, "identity")),
        )

    assert await store.write(swap) == (b"name", None, None, None)


async def test_followers_hear_of_an_event_whose_appender_was_cancelled(store: Store) -> None:
    journal = Journal(store)
    heard: list[Event] = []
    journal.follow(heard.extend)
    hold = asyncio.Event()
    loop = asyncio.get_running_loop()
    blocking = asyncio.ensure_future(
        store.write(lambda db: asyncio.run_coroutine_threadsafe(hold.wait(), loop).result())
    )
    await asyncio.sleep(0.05)
    appending = asyncio.ensure_future(journal.append([event(opened(), "T1")]))
    await asyncio.sleep(0.05)
    appending.cancel()
    hold.set()
    await blocking
    await journal.append([event(DeviceLost(slot=1, port="usb:1"))])
    assert [each.body.kind for each in heard] == ["ticket-opened", "device-lost"]


async def test_an_event_that_is_tried_again_is_stored_once_and_told_once(store: Store) -> None:
    journal = Journal(store)
    heard: list[Event] = []
    journal.follow(heard.extend)
    mine = event(opened(), "T1")
    await journal.append([mine])
    await journal.append([mine, event(DeviceLost(slot=1, port="usb:1"), "T1")])
    stored = await store.read(lambda db: load(db, ticket="T1"))
    assert [each.seq for each in stored] == [1, 2]
    assert [each.seq for each in heard] == [1, 2]


async def test_an_unconfirmed_event_that_is_there_all_the_same_is_still_told(store: Store) -> None:
    journal = Journal(store)
    heard: list[Event] = []
    journal.follow(heard.extend)
    mine = event(opened(), "T1")
    await store.write(lambda db: insert(db, [mine]))  # as after an I/O error in the commit: durable, not confirmed
    await journal.append([event(DeviceLost(slot=1, port="usb:1"), "T1")])
    await journal.append([mine])
    assert sorted(each.seq for each in heard) == [1, 2]


TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
WORDS = st.builds(Words, TEXT, TEXT)
HELD = st.one_of(
    st.builds(Quantity, v=st.integers(-(10**12), 10**12), e=st.integers(-9, 9), u=st.sampled_from(["mV", "1"])),
    st.builds(Identifying, identity=TEXT),
    st.booleans(),
    TEXT,
    st.lists(TEXT, max_size=4).map(tuple),
)
BODIES = st.one_of(
    st.builds(
        Measured,
        attempt=TEXT,
        name=TEXT,
        value=HELD,
        unit=TEXT,
        source=TEXT,
        verdict=st.sampled_from(Verdict),
        reason=st.none() | WORDS,
        limit=st.none() | st.dictionaries(TEXT, st.booleans() | TEXT | st.fixed_dictionaries({"identity": TEXT})),
        baseline=st.none() | HELD,
    ),
    st.builds(
        AttemptEnded,
        attempt=TEXT,
        ending=st.sampled_from(Ending),
        verdict=st.sampled_from(Verdict),
        reason=st.none() | WORDS,
        finding=st.none() | TEXT,
        side=st.none() | TEXT,
    ),
)


def in_memory() -> Store:
    from sqlite_utils import Database

    db = Database(memory=True)
    VAULT.apply(db)
    JOURNAL.apply(db)
    return db


@given(st.lists(BODIES, max_size=5))
def test_what_is_loaded_is_what_was_stored(bodies: Sequence) -> None:
    db = in_memory()
    stored = insert(db, [event(body, "T1") for body in bodies])
    assert load(db, ticket="T1") == stored


@given(BODIES)
def test_every_body_survives_json(body) -> None:
    assert BODY.validate_json(BODY.dump_json(body)) == body
