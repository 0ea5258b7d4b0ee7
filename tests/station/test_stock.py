"""The shelf: whatever moves, nothing falls below nothing; moves stay; only who keeps parts moves them by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from station import messages as m
from station.errors import Trouble
from station.stock import KINDS, Level, Move, MoveKind, after, level_of
from station.stockroom import STOCK, StockTable
from tests.station.command_line import run_assay
from tests.station.repair_bench import Desk, desk
from tests.station.station_bench import enrol, send


def move(kind: MoveKind, quantity: int = 1, **about: Any) -> Move:
    told = {"number": "B1", "part": "battery", "person": "keeper", "at_ms": 1, **about}
    return Move(kind, quantity=quantity, **told)


MOVES = st.builds(
    move,
    st.sampled_from(KINDS),
    st.integers(-6, 12),
    ticket=st.sampled_from(["T1", "T2", ""]),
    serial=st.sampled_from(["", "", "S1", "S2"]),
)


@given(st.lists(MOVES, max_size=40))
def test_nothing_ever_falls_below_nothing_and_what_was_refused_changes_nothing(moves: list[Move]) -> None:
    level, taken = Level(), []
    for one in moves:
        try:
            level = after(level, one)
        except Trouble:
            continue
        taken.append(one)
        assert min(level.shelf, level.free, level.used, level.defective, level.returned) >= 0
        assert min(level.reserved.values(), default=1) > 0
        assert len(level.serials) <= level.shelf
    assert level_of(taken) == level
    gone = level.used + level.defective + level.returned
    came = sum(one.quantity for one in taken if one.kind in ("in", "count"))
    assert level.shelf + gone == came


def test_a_reservation_holds_a_piece_for_its_ticket_alone() -> None:
    level = level_of([move("in", 2), move("reserved", ticket="T1"), move("used", ticket="T2")])
    assert (level.free, level.free_for("T1"), level.free_for("T2")) == (0, 1, 0)
    with pytest.raises(Trouble, match="1 too few on the shelf"):
        after(level, move("used", ticket="T2"))
    assert after(level, move("used", ticket="T1")).reserved == {}


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ([move("in", 0)], "number of pieces"),
        ([move("in", -1)], "number of pieces"),
        ([move("in", part="")], "its kind is not known"),
        ([move("in"), move("reserved")], "for a ticket"),
        ([move("in", 2, serial="S1")], "belongs to one piece"),
        ([move("in", serial="S1"), move("in", serial="S1")], "on the shelf already"),
        ([move("in", serial="S1"), move("used", ticket="T1", serial="S9")], "S9 is not on the shelf"),
        ([move("in", serial="S1"), move("used", ticket="T1")], "say which"),
        ([move("in"), move("defective"), move("returned", 2)], "defective pieces are not here"),
        ([move("in"), move("reserved", -1, ticket="T1")], "were not held"),
        ([move("in"), move("used", -1, ticket="T1")], "were not held for or used"),
        ([move("in"), move("count", -2)], r"1 too few on the shelf \(1 free\)"),
    ],
)
def test_a_move_that_can_not_be_says_why(moves: list[Move], words: str) -> None:
    with pytest.raises(Trouble, match=words) as refused:
        level_of(moves)
    assert refused.value.what.zh != refused.value.what.en


def test_the_kinds_of_the_table_and_of_the_message_are_the_same() -> None:
    assert get_args(m.MoveStock.model_fields["kind"].annotation) == KINDS


def test_moves_can_not_be_changed_taken_out_or_replaced() -> None:
    db = Database(memory=True)
    STOCK.apply(db)
    StockTable(db).move(move("in", 3))
    for change in (
        "UPDATE stock_move SET quantity = 9",
        "DELETE FROM stock_move",
        "INSERT OR REPLACE INTO stock_move SELECT * FROM stock_move",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(change)
    assert StockTable(db).level("B1").shelf == 3
    assert db.execute("SELECT strict FROM pragma_table_list WHERE name = 'stock_move'").fetchone()[0] == 1


def test_what_was_refused_is_not_in_the_table() -> None:
    db = Database(memory=True)
    STOCK.apply(db)
    with pytest.raises(Trouble):
        StockTable(db).move(move("used", ticket="T1"))
    assert StockTable(db).levels() == []


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(tmp_path) as opened:
        yield opened


async def test_only_who_keeps_parts_moves_them_by_hand_and_serials_go_all_or_none(bench: Desk) -> None:
    with pytest.raises(Trouble, match="tech does not keep the parts") as refused:
        await bench.stocked(person="tech")
    assert refused.value.code == "person.role"
    with pytest.raises(Trouble, match="BAT-EX-1 A is on the shelf already"):
        await bench.stocked(serials=("A", "B", "A"))
    assert await bench.level() == {}
    told = await bench.stocked(serials=("A", "B"), batch="L7", proof="delivery note 5")
    assert (told["shelf"], told["serials"][0]) == (2, {"serial": "A", "batch": "L7", "proof": "delivery note 5"})
    counted = m.MoveStock(kind="count", number="BAT-EX-1", quantity=-1, serials=("A",), person="lead", note="stolen")
    assert (await send(bench.client, counted))["shelf"] == 1


async def test_the_shelf_is_kept_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    await enrol(tmp_path)
    assay = (tmp_path, monkeypatch)
    book = ("stock", "add", "B1", "--part", "battery", "--quantity", "5", "--as", "lead")
    code, out, _ = await asyncio.to_thread(run_assay, *assay, *book)
    assert (code, "shelf 5  free 5" in out) == (0, True)
    code, out, _ = await asyncio.to_thread(
        run_assay, *assay, "stock", "move", "B1", "defective", "--as", "lead", "--json"
    )
    assert (code, '"defective": 1' in out) == (0, True)
    code, out, err = await asyncio.to_thread(
        run_assay, *assay, "stock", "move", "B1", "returned", "--quantity", "2", "--as", "lead"
    )
    assert (code, "defective pieces are not here" in err) == (1, True)
    code, out, _ = await asyncio.to_thread(run_assay, *assay, "stock", "list", "--json")
    assert (code, '"shelf": 4' in out) == (0, True)
