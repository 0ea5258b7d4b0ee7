"""The station's own stock table: every movement of a part, append-only, in the same file as the records.

Works inside the caller's transaction, so that a part that was fitted and the record of it are one commit. What may move
is decided in `station.stock`; this only keeps it. It knows no ticket and no price.
"""

from __future__ import annotations

from dataclasses import fields
from itertools import groupby
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from station.stock import KINDS, Level, Move, after, level_of
from station.store import append_only

__all__ = ["STOCK", "StockTable"]

STOCK = Migrations("assay-stock")
_COLUMNS = tuple(field.name for field in fields(Move))


@STOCK()
def m001_stock_move(db: Database) -> None:
    """Every movement of every part."""
    numbers = ("quantity", "at_ms")
    columns: dict[str, Any] = {"id": int, **{name: int if name in numbers else str for name in _COLUMNS}}
    db.table("stock_move").create(columns, pk="id", not_null=set(_COLUMNS), strict=True)
    db.table("stock_move").create_index(["number"])
    append_only(db, "stock_move")


class StockTable:
    """A `station.stock.Stockroom` in the store, for one transaction."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def level(self, number: str) -> Level:
        """What is there of a number."""
        return level_of(_move(row) for row in self._db.query(f"{_SELECT} WHERE number = ? ORDER BY id", [number]))

    def levels(self) -> list[Level]:
        """Everything that ever was there, by number."""
        rows = self._db.query(f"{_SELECT} ORDER BY number, id")
        return [level_of(map(_move, group)) for _number, group in groupby(rows, key=lambda row: row["number"])]

    def move(self, move: Move) -> Level:
        """Store a move; back comes what is there then.

        Raises:
            Trouble: the move can't be; nothing was stored.
        """
        level = after(self.level(move.number), move)
        places = ", ".join("?" * len(_COLUMNS))
        values = [getattr(move, name) for name in _COLUMNS]
        self._db.execute(f"INSERT INTO stock_move ({', '.join(_COLUMNS)}) VALUES ({places})", values)  # noqa: S608
        return level


_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM stock_move"  # noqa: S608 - our own names


def _move(row: dict[str, Any]) -> Move:
    assert row["kind"] in KINDS  # noqa: S101 - written by `move` alone
    return Move(**row)
