"""The shelf by hand: what is there of each part, and booking in, counting, setting aside and giving back.

What a step of a ticket moves goes with its record; this is everything else. Only who keeps parts, or a lead, may do it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlite_utils import Database

from drivers.api import Side
from drivers.text import Words, safe_text
from reports.vocabulary import ROLES
from station import messages as m
from station.errors import EXIT_NO, Trouble
from station.signing import Signing
from station.stock import Level, Move, Stockroom
from station.stockroom import StockTable

__all__ = ["Shelf"]

#: Who may move parts by hand.
KEEPERS = ("parts-keeper", "lead")


class Shelf:
    """The stock of this station's shop."""

    def __init__(self, signing: Signing, stockroom: Callable[[Database], Stockroom] = StockTable) -> None:
        self._signing, self._stockroom = signing, stockroom

    async def levels(self, query: m.StockQuery) -> list[dict[str, Any]]:
        """What is there, by number; `query.number` names one."""

        def work(db: Database) -> list[Level]:
            room = self._stockroom(db)
            return [room.level(query.number)] if query.number else room.levels()

        return [_told(level) for level in await self._signing.journal.store.read(work) if level.number]

    async def move(self, command: m.MoveStock) -> dict[str, Any]:
        """Store one move, or one for each serial, all or none; back comes what is there then.

        Raises:
            Trouble: the person keeps no parts, the move can't be, or the store failed; nothing was stored.
        """

        def work(db: Database) -> Level:
            self._must_keep_parts(db, command.person)
            at_ms = self._signing.made(db)["clock"].wall_ms
            room, level = self._stockroom(db), Level()
            for serial, quantity in self._pieces(command):
                level = room.move(_move(command, serial, quantity, at_ms))
            return level

        return _told(await self._signing.journal.store.write(work))

    def _pieces(self, command: m.MoveStock) -> list[tuple[str, int]]:
        """Each serial is one piece; the sign of the quantity holds for all of them."""
        one = -1 if command.quantity < 0 else 1
        return [(serial, one) for serial in command.serials] or [("", command.quantity)]

    def _must_keep_parts(self, db: Database, person: str) -> None:
        roster, now_ms = self._signing.roster(db), self._signing.made(db)["clock"].wall_ms
        if not any(roster.may(person, role, now_ms) for role in KEEPERS):
            roles = Words(" / ".join(ROLES[one].en for one in KEEPERS), " / ".join(ROLES[one].zh for one in KEEPERS))
            what = _NOT_THEIRS.fill(person=person, roles=roles)
            raise Trouble("person.role", what, Side.PERSON, _ASK_LEAD, EXIT_NO)


def _move(command: m.MoveStock, serial: str, quantity: int, at_ms: int) -> Move:
    return Move(
        kind=command.kind,
        number=safe_text(command.number, 200),
        quantity=quantity,
        person=command.person,
        at_ms=at_ms,
        part=safe_text(command.part, 200),
        serial=safe_text(serial, 200),
        batch=safe_text(command.batch, 200),
        proof=safe_text(command.proof, 400),
        ticket=safe_text(command.ticket, 200),
        note=safe_text(command.note, 400),
    )


def _told(level: Level) -> dict[str, Any]:
    return {
        "number": level.number,
        "part": level.part,
        "shelf": level.shelf,
        "free": level.free,
        "reserved": dict(level.reserved),
        "used": level.used,
        "defective": level.defective,
        "returned": level.returned,
        "serials": [{"serial": one, "batch": batch, "proof": proof} for one, (batch, proof) in level.serials.items()],
    }


_NOT_THEIRS = Words("{person} does not keep the parts here ({roles} do)", "{person} 无权管理备件（应为{roles}）")
_ASK_LEAD = Words("A lead gives roles: `assay person list` shows them", "岗位由店长授予：请用 `assay person list` 查看")
