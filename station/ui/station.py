"""The screen's seams on a real station: the engine's client, the people's keys, the shipped checklists.

Everything heavy is imported when it is first needed, so that the first paint waits for none of it.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from station.ui.first_look import first_look
from station.ui.seams import Attached, Bench, ChecklistChoice, Signatory, Signature, Tried

if TYPE_CHECKING:
    from station.messages import BenchSnapshot
    from station.people import UnlockTry

__all__ = ["StationSigner", "real_bench", "shipped"]


def real_bench(data: Path, notice: str = "", glimpse: Callable[[str], str] = lambda device: "") -> Bench:
    """What a screen on the station in `data` stands on."""

    async def connect() -> Attached:
        attach_or_host = await asyncio.to_thread(_client)  # in a thread: keys are answered while it loads
        return await attach_or_host(data, spawn=True)

    def look() -> Awaitable[BenchSnapshot | None]:
        return first_look(data)

    return Bench(connect, StationSigner(data), shipped, notice=notice, glimpse=glimpse, first_look=look)


def _client() -> Callable[..., Awaitable[Attached]]:
    from station.client import attach_or_host

    return attach_or_host


def shipped() -> list[ChecklistChoice]:
    """The checklists that this version brings, with the stages they are for."""
    from checklists.load import load_checklist, shipped_checklists

    found = [load_checklist(name) for name in shipped_checklists()]
    return [ChecklistChoice(one.id, one.title.words, tuple(stage.value for stage in one.stages)) for one in found]


class StationSigner:
    """The people of a station: names and roles as the ledger has them, keys as the data folder has them."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def people(self) -> Sequence[Signatory]:
        """Those who have a key here and are on the roster, by name."""
        import sqlite3
        import time
        from contextlib import closing

        from sqlite_utils import Database

        from reports.ledger import roster_of
        from station.people import PersonKeys

        path = self._data / "assay.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            roster = roster_of(Database(connection))
        keyed = {key.person for key in PersonKeys(self._data).stored()}
        now = time.time_ns() // 1_000_000
        found = [
            Signatory(one.id, one.printed_name, tuple(dict.fromkeys(r.role for r in one.roles if one.may(r.role, now))))
            for one in roster.persons.values()
            if one.id in keyed
        ]
        return sorted(found, key=lambda one: one.name)

    def sign(self, person: str, pin: str, payload: bytes, tried: Callable[[Tried], None]) -> Signature:
        """Unlock the person's key for this one signature."""
        from reports.attest import sign
        from station.people import PersonKeys

        def report(one: UnlockTry) -> None:
            tried(Tried(one.person, one.key_id, one.outcome.value, one.failures, one.at_ms))

        key_id, signature = sign(payload, PersonKeys(self._data, report=report).unlock(person, pin))
        return Signature(key_id, b64encode(signature).decode())
