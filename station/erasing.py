"""Destroying what the shop itself holds of a customer, together with the signed record that says so.

The ticket's key, salt, personal data and evidence go in the very transaction that stores the record, after the person
has signed it: neither happens without the other. Stands on `signing` and the vault. It knows no phone and no screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words
from reports.attest import Record
from reports.steps.erasure import ErasureV1
from station import messages as m
from station import sending, vault
from station.errors import EXIT_NO, Trouble
from station.journal import load
from station.session import fold
from station.signing import Signing
from station.states import grievance_open

__all__ = ["CLOSE_IT", "HELD", "Erasing"]

HELD = Words("A grievance is open: its evidence must not be erased", "投诉处理中，相关证据不得删除")
CLOSE_IT = Words("Close the grievance first: `assay grievance`", "请先办结投诉：`assay grievance`")


class Erasing:
    """Erasures of this station's own data. `forget` lets go of what is in memory of a ticket."""

    def __init__(self, signing: Signing, data: Path, forget: Callable[[str], Awaitable[None]]) -> None:
        self._signing, self._data, self._forget = signing, data, forget
        signing.within = _within

    async def commit(self, command: m.CommitRecord) -> dict[str, Any]:
        """Store a record with the person's signature; where it erases, what is left outside the tables goes after it.

        Raises:
            Trouble: see `Signing.commit`; or a grievance that was opened since the preparing holds the data.
        """
        done = await self._signing.commit(command)
        if done["kind"] == "erasure/v1":
            await self._clear(done["ticket"])
        return done

    async def finish(self) -> None:
        """Clear what an engine that was killed right after an erasure left; called when the next one starts."""
        store = self._signing.journal.store

        def erased(db: Database) -> list[str]:
            query = "SELECT DISTINCT ticket FROM record WHERE kind = 'erasure/v1'"
            tickets = [str(ticket) for (ticket,) in db.execute(query).fetchall()]
            return [ticket for ticket in tickets if vault.open_scope(db, ticket) is None]

        gone = await store.read(erased)
        for ticket in gone:
            await asyncio.to_thread(sending.forget, self._data, ticket)
        if gone:
            await asyncio.to_thread(vault.scrub, store.path)

    async def _clear(self, ticket: str) -> None:
        """Messages in the shop's folder, SQLite's log, and the session in memory."""
        store = self._signing.journal.store
        if await store.read(lambda db: vault.open_scope(db, ticket)) is not None:
            return
        await asyncio.to_thread(sending.forget, self._data, ticket)
        await self._forget(ticket)
        await asyncio.to_thread(vault.scrub, store.path)


def _within(db: Database, record: Record) -> None:
    """In the transaction that stores `record`."""
    predicate = record.statement.predicate
    if not isinstance(predicate, ErasureV1) or predicate.decision != "records-erased":
        return
    if grievance_open(fold(load(db, ticket=predicate.ticket))):
        raise Trouble("erase.held", HELD, Side.PERSON, CLOSE_IT, EXIT_NO)
    vault.erase(db, predicate.ticket)
