"""Make a data folder a station, and bring people into it: the steps of enrolment in their order, safe to repeat.

Stands on the settings, the key files, the ledger and the engine's client. It asks nobody anything: secrets and answers
come from whoever calls (a command, the demo, a test).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words
from reports import ledger
from reports.attest import Ed25519PrivateKey, key_id, open_record, public_raw
from reports.predicates import KeyEventV1, Made, Role
from reports.roster import Roster
from station.clock import StationClock
from station.enrolment import KeyEvent, admit, enrol_person, enrol_station, rotate_key, rotate_station
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.head_office import rotations
from station.messages import ReportUnlock
from station.outbox import OUTBOX, enqueue
from station.people import COST, Cost, PersonKeys, UnlockTry
from station.settings import (
    Settings,
    create_key,
    create_station_key,
    load_key,
    load_station_key,
    read_private,
    save_settings,
    write_private,
)
from station.shop_people import Carried, roles_now
from station.signing import software
from station.store import Store

if TYPE_CHECKING:
    from station.client import Client

__all__ = [
    "add_person",
    "bring_person",
    "enrolment_of",
    "look",
    "replace_key",
    "replaced_keys",
    "report",
    "rotate_station_key",
    "set_up_station",
    "settle_rotation",
]

#: Where a station's new key lies until the ledger has it.
NEXT_KEY = "station.key.next"


async def set_up_station(settings: Settings) -> bytes:
    """Make `settings.data` this station: its key, the first record of its ledger, its settings, in that order.

    Repeating it goes on where a crash stopped; on a finished station it only stores what may change. Gives the
    enrolment record, which head office is asked to approve.

    Raises:
        Trouble: `station.fixed` when the folder is another station's, `disk.write`, or the store's.
    """
    try:
        key = load_station_key(settings.data)
    except Trouble as trouble:
        if trouble.code != "station.not-enrolled" or settings.database.exists():
            raise
        key = create_station_key(settings.data)
    store = Store(settings.database)
    try:
        await store.migrate([ledger.LEDGER, OUTBOX])
        enrolment = await store.write(lambda db: _first_record(db, settings, key))
    finally:
        store.close()
    _must_be_this_station(settings, enrolment)
    save_settings(settings)
    return enrolment


def _first_record(db: Database, settings: Settings, key: Ed25519PrivateKey) -> bytes:
    if first := enrolment_of(db):
        return first
    envelope = enrol_station(_made(db, settings), key, settings.name)
    link = ledger.append(db, envelope, roster=Roster())
    enqueue(db, link.seq, link.digest)
    return envelope


def enrolment_of(db: Database) -> bytes | None:
    """The first record of a ledger, None in an empty one."""
    for (envelope,) in db.execute("SELECT envelope FROM record WHERE seq = 1"):
        return bytes(envelope)
    return None


def _must_be_this_station(settings: Settings, enrolment: bytes) -> None:
    event = open_record(enrolment).statement.predicate
    assert isinstance(event, KeyEventV1)  # noqa: S101 - the ledger takes no other first record
    if (event.station, event.shop, event.simulated) != (settings.station, settings.shop, settings.simulated):
        raise Trouble(
            "station.fixed",
            Words("this folder is station {id} of shop {shop}", "该目录属于网点 {shop} 的工位 {id}").fill(
                id=event.station, shop=event.shop
            ),
            Side.PERSON,
            Words("enrol the new station in another folder with --data", "请用 --data 在其他目录注册新工位"),
            EXIT_USE,
        )


def _made(db: Database, settings: Settings) -> Made:
    return Made(
        shop=settings.shop,
        station=settings.station,
        simulated=settings.simulated,
        anchor=ledger.last_receipt(db),
        clock=StationClock().now(ledger.believable_clock(db)),
        software=software(),
    )


def look(settings: Settings) -> tuple[Made, Roster]:
    """What a record made now would carry, and who is on the roster; reads the store without changing it.

    Raises:
        Trouble: `station.not-enrolled` when there is no ledger.
    """
    if not settings.database.exists():
        raise Trouble(
            "station.not-enrolled",
            Words("this station has no ledger yet", "本工位尚无台账"),
            Side.BENCH,
            Words("run `assay station enrol`", "请运行 `assay station enrol`"),
            EXIT_USE,
        )
    with closing(sqlite3.connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as connection:
        db = Database(connection)
        return _made(db, settings), ledger.roster_of(db)


# --- people ----------------------------------------------------------------------------------------------------------


async def add_person(
    client: Client,
    settings: Settings,
    person: str,
    printed_name: str,
    roles: Iterable[Role],
    secret: str,
    lead: tuple[str, Ed25519PrivateKey] | None = None,
    cost: Cost = COST,
) -> str:
    """Enrol a person with a new key sealed under `secret`; gives the key id.

    Arguments:
        lead: id and unlocked key of the lead who approves; None for the station's first lead.

    Raises:
        Trouble: the roster does not admit it, the secret is weak, or the engine is gone.
    """
    made, roster = look(settings)

    def event(new: Ed25519PrivateKey) -> KeyEvent:
        return enrol_person(made, person, printed_name, roles, new, lead)

    return await _with_new_key(client, settings, roster, person, secret, cost, event)


async def replace_key(
    client: Client,
    settings: Settings,
    person: str,
    secret: str,
    approval: tuple[str, Ed25519PrivateKey],
    cost: Cost = COST,
) -> str:
    """Give a person a new key sealed under `secret`, and destroy the old one; gives the new key id.

    Arguments:
        approval: the person with the old key, or a lead.

    Raises:
        Trouble: the roster does not admit it, the secret is weak, or the engine is gone. Then the old key stays.
    """
    made, roster = look(settings)
    held = [key for key in roster.keys.values() if key.holder == person]
    ended = max(held, key=lambda key: key.since_ms, default=None)

    def event(new: Ed25519PrivateKey) -> KeyEvent:
        replaces = None if roster.current_key(person) else ended
        return rotate_key(made, roster, person, new, approval, replaces)

    new_id = await _with_new_key(client, settings, roster, person, secret, cost, event)
    keys = PersonKeys(settings.data)
    for old in held:
        keys.destroy(old.id)
    return new_id


async def bring_person(
    client: Client,
    settings: Settings,
    carried: Carried,
    secret: str,
    lead: tuple[str, Ed25519PrivateKey] | None,
    report_to: Callable[[UnlockTry], None],
) -> str:
    """Enrol here the key that a person has on another station of the shop, or put it in the place of their older one.

    The person unlocks it, which proves possession. Gives the key id.

    Raises:
        Trouble: a wrong PIN, the roster does not admit it, or the key is here already; then nothing stays here.
    """
    made, roster = look(settings)
    person = carried.person.id
    keys = PersonKeys(settings.data, report_to)
    adopted = keys.adopt(carried.file)
    try:
        private = keys.unlock(person, secret)
        if person in roster.persons:
            held = [key for key in roster.keys.values() if key.holder == person]
            ended = None if roster.current_key(person) else max(held, key=lambda key: key.since_ms)
            made_event = rotate_key(made, roster, person, private, lead or (person, private), ended)
        else:
            name, roles = carried.person.printed_name, roles_now(carried, made)
            made_event = enrol_person(made, person, name, roles, private, lead)
        admit(roster, made_event.envelope(load_station_key(settings.data)))
        await client.send(made_event.command())
    except Trouble as trouble:
        if not trouble.code.startswith("engine."):
            keys.destroy(adopted.key_id)
        raise
    for old in roster.keys.values():
        if old.holder == person and old.id != adopted.key_id:
            keys.destroy(old.id)
    return adopted.key_id


async def rotate_station_key(settings: Settings) -> bytes:
    """Give the station a new key; gives its raw public key. No engine may have the folder meanwhile.

    The new key lies beside the old one before the record is stored: whatever is cut off, `settle_rotation` finds out
    from the ledger which of the two is the station's.

    Raises:
        Trouble: `engine.running`, `disk.write`, or the store's.
    """
    lock = FileLock(settings.data / "engine.lock", mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise Trouble("engine.running", _RUNNING, Side.BENCH, _STOP_IT, EXIT_NO) from None
    store = Store(settings.database)
    try:
        await store.migrate([ledger.LEDGER, OUTBOX])
        settle_rotation(settings, await store.read(ledger.roster_of))
        old, new = load_station_key(settings.data), create_key(settings.data / NEXT_KEY)
        await store.write(lambda db: _store_rotation(db, settings, old, new))
        settle_rotation(settings, await store.read(ledger.roster_of))
    finally:
        store.close()
        lock.release()
    return public_raw(new)


def replaced_keys(settings: Settings) -> list[bytes]:
    """The records by which this station replaced its key, in order: what head office is told."""
    with closing(sqlite3.connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT envelope FROM record WHERE kind = 'key-event/v1' ORDER BY seq").fetchall()
    return rotations(bytes(envelope) for (envelope,) in rows)


def _store_rotation(db: Database, settings: Settings, old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> None:
    link = ledger.append(db, rotate_station(_made(db, settings), old, new, settings.name), roster=ledger.roster_of(db))
    enqueue(db, link.seq, link.digest)


def settle_rotation(settings: Settings, roster: Roster) -> None:
    """After a rotation that was cut off: the key that the ledger has in use stays, the other one goes.

    Raises:
        Trouble: a key file can't be read or written.
    """
    path = settings.data / NEXT_KEY
    try:
        new = load_key(path)
    except FileNotFoundError:
        return
    current = roster.current_key(settings.station)
    if current is not None and current.public == public_raw(new):
        write_private(settings.key_file, read_private(path))
    path.unlink()


async def _with_new_key(
    client: Client,
    settings: Settings,
    roster: Roster,
    person: str,
    secret: str,
    cost: Cost,
    event: Callable[[Ed25519PrivateKey], KeyEvent],
) -> str:
    keys = PersonKeys(settings.data, cost=cost)
    for stray in [key for key in keys.stored() if key.person == person and key.key_id not in roster.keys]:
        keys.destroy(stray.key_id)  # from an enrolment that was cut off before its record was stored
    new = keys.create(person, secret)
    new_id = key_id(public_raw(new))
    try:
        made = event(new)
        admit(roster, made.envelope(load_station_key(settings.data)))
        await client.send(made.command())
    except Trouble as trouble:
        # Where the engine is gone nobody knows whether it was stored: the key stays, and goes next time if it was not.
        if not trouble.code.startswith("engine."):
            keys.destroy(new_id)
        raise
    return new_id


async def report(client: Client, tries: Iterable[UnlockTry]) -> None:
    """Have the engine journal what came of tries to unlock keys in this process."""
    for one in tries:
        await client.send(
            ReportUnlock(
                person=one.person,
                key_id=one.key_id,
                outcome=one.outcome.value,
                failures=one.failures,
                at_ms=one.at_ms,
            )
        )


_RUNNING = Words("An engine runs on this data folder", "该数据目录有引擎在运行")
_STOP_IT = Words("End it first: assay engine --stop", "请先停止：assay engine --stop")
