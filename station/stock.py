"""The parts of a shop: what moves them, what is on the shelf after any moves, and what a stockroom offers.

A move is only ever added; what is there is the sum over them and can never fall below nothing. Pure: the table that
keeps moves is `station.stockroom`, and another system may stand in its place by the same protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, Protocol, get_args

from drivers.api import Side
from drivers.text import Words
from station.errors import EXIT_NO, EXIT_USE, Trouble

__all__ = ["KINDS", "Level", "Move", "MoveKind", "Stockroom", "after", "level_of"]

#: `in` came onto the shelf; `reserved` for a ticket (below 0: given free); `used` went into a phone (below 0: came out
#: again unused); `defective` was taken from the shelf as bad; `returned` bad ones went back to the supplier; `count`
#: is the difference that a count found.
MoveKind = Literal["in", "reserved", "used", "defective", "returned", "count"]
KINDS: tuple[MoveKind, ...] = get_args(MoveKind)

#: The most pieces of one move.
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of one part number.

    Attributes:
        number, part: the part's number and its kind (`battery`, ...; only needed when the number is new).
        quantity: pieces; may be below zero for `reserved`, `used` and `count`.
        serial: of the one piece that moved; batch: of the delivery.
        proof: what shows that it is genuine: delivery note, hologram, the maker's portal.
        ticket: for which it was reserved or used.
        person: who moved it; at_ms: when, by the station's clock.
    """

    kind: MoveKind
    number: str
    quantity: int
    person: str
    at_ms: int
    part: str = ""
    serial: str = ""
    batch: str = ""
    proof: str = ""
    ticket: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """What is there of one part number.

    Attributes:
        shelf: pieces on the shelf, reserved ones included.
        reserved: pieces held for tickets that are not fitted yet, by ticket.
        used, defective, returned: pieces fitted; bad and still here; bad and sent back.
        serials: the serials on the shelf, each with its batch and proof; other pieces have none.
    """

    number: str = ""
    part: str = ""
    shelf: int = 0
    reserved: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    used: int = 0
    defective: int = 0
    returned: int = 0
    serials: Mapping[str, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def free(self) -> int:
        """Pieces that nobody holds."""
        return self.shelf - sum(self.reserved.values())

    def free_for(self, ticket: str) -> int:
        """Pieces that this ticket may take: its own reserved ones and the free ones."""
        return self.free + self.reserved.get(ticket, 0)


class Stockroom(Protocol):
    """Where parts are kept: the station's own table, or another system in its place.

    `move` is called inside of the transaction that stores the record of it, so that neither is ever there without the
    other; a system that can't take part in it refuses before, never after.
    """

    def level(self, number: str) -> Level:
        """What is there of a number; an empty level for one that was never there."""
        ...

    def levels(self) -> list[Level]:
        """Everything that ever was there, by number."""
        ...

    def move(self, move: Move) -> Level:
        """Store a move; back comes what is there then.

        Raises:
            Trouble: the move can't be (see `after`), or the store failed.
        """
        ...


def level_of(moves: Iterable[Move], start: Level | None = None) -> Level:
    """What is there after these moves of one number."""
    level = start or Level()
    for move in moves:
        level = after(level, move)
    return level


def after(level: Level, move: Move) -> Level:
    """What is there after one more move.

    Raises:
        Trouble: the quantity can't be, a serial is not (or already) on the shelf, or more would be taken than is there.
    """
    _must_be_sensible(level, move)
    quantity = move.quantity
    before = level
    level = replace(level, number=move.number, part=level.part or move.part)
    match move.kind:
        case "in":
            level = replace(level, shelf=level.shelf + quantity)
        case "count":
            level = replace(level, shelf=level.shelf + quantity)
        case "reserved":
            level = replace(level, reserved=_held(level.reserved, move.ticket, quantity))
        case "used":
            held = min(level.reserved.get(move.ticket, 0), max(quantity, 0))
            reserved = _held(level.reserved, move.ticket, -held)
            level = replace(level, shelf=level.shelf - quantity, used=level.used + quantity, reserved=reserved)
        case "defective":
            level = replace(level, shelf=level.shelf - quantity, defective=level.defective + quantity)
        case "returned":
            returned = level.returned + quantity
            level = replace(level, defective=level.defective - quantity, returned=returned)
    level = replace(level, serials=_serials(level, move))
    _must_be_there(before, level, move)
    return level


def _held(reserved: Mapping[str, int], ticket: str, quantity: int) -> Mapping[str, int]:
    held = {**reserved, ticket: reserved.get(ticket, 0) + quantity}
    return MappingProxyType({name: pieces for name, pieces in held.items() if pieces})


def _onto_shelf(move: Move) -> bool | None:
    """Whether the move brings pieces onto the shelf, or takes them off; None: the shelf stays as it is."""
    if move.kind in ("reserved", "returned"):
        return None
    return (move.quantity > 0) == (move.kind in ("in", "count"))


def _serials(level: Level, move: Move) -> Mapping[str, tuple[str, str]]:
    onto = _onto_shelf(move)
    if not move.serial or onto is None:
        return level.serials
    known = {**level.serials}
    if onto:
        known[move.serial] = (move.batch, move.proof)
    else:
        known.pop(move.serial, None)
    return MappingProxyType(known)


def _must_be_sensible(level: Level, move: Move) -> None:
    signed = move.kind in ("reserved", "used", "count")
    if move.quantity == 0 or abs(move.quantity) > MOST or (move.quantity < 0 and not signed):
        raise _wrong("stock.quantity", _QUANTITY.fill(quantity=move.quantity), _PIECES)
    if move.kind in ("reserved", "used") and not move.ticket:
        raise _wrong("stock.ticket", _NO_TICKET, _NAME_TICKET)
    if not level.part and not move.part:
        raise _wrong("stock.part", _NO_PART.fill(number=move.number), _NAME_PART)
    onto = _onto_shelf(move)
    if not move.serial or onto is None:
        return
    if abs(move.quantity) != 1:
        raise _wrong("stock.serial", _ONE_SERIAL.fill(serial=move.serial), _ONE_BY_ONE)
    if onto and move.serial in level.serials:
        raise _no("stock.serial", _SERIAL_TWICE.fill(serial=move.serial, number=move.number), _LOOK)
    if not onto and move.serial not in level.serials and level.shelf - len(level.serials) < 1:
        raise _no("stock.serial", _NO_SERIAL.fill(serial=move.serial, number=move.number), _LOOK)


def _must_be_there(before: Level, level: Level, move: Move) -> None:
    if level.reserved.get(move.ticket, 0) < 0 or level.used < 0:
        raise _no("stock.short", _NOT_HELD.fill(number=move.number, ticket=move.ticket), _LOOK)
    if level.defective < 0:
        raise _no("stock.short", _NOT_DEFECTIVE.fill(number=move.number), _LOOK)
    if level.free < 0:
        what = _SHORT.fill(number=move.number, short=-level.free, free=before.free_for(move.ticket))
        raise _no("stock.short", what, _ORDER)
    if len(level.serials) > level.shelf:
        raise _no("stock.serial", _WHICH_SERIAL.fill(number=move.number), _ONE_BY_ONE)


def _wrong(code: str, what: Words, next_step: Words) -> Trouble:
    return Trouble(code, what, Side.PERSON, next_step, EXIT_USE)


def _no(code: str, what: Words, next_step: Words) -> Trouble:
    return Trouble(code, what, Side.PERSON, next_step, EXIT_NO)


_QUANTITY = Words("{quantity} is not a number of pieces that can move so", "数量 {quantity} 无效")
_PIECES = Words("Give a whole number from 1", "请填写不小于 1 的整数")
_NO_TICKET = Words("Parts are reserved and used for a ticket", "预留和使用配件须注明工单")
_NAME_TICKET = Words("Name the ticket", "请填写工单号")
_NO_PART = Words("{number} is new here: its kind is not known", "{number} 为新编号，配件类别未知")
_NAME_PART = Words("Say what it is with --part, e.g. battery", "请用 --part 注明类别")
_ONE_SERIAL = Words("The serial {serial} belongs to one piece", "序列号 {serial} 仅对应一件")
_ONE_BY_ONE = Words("Move pieces with serials one by one", "有序列号的配件请逐件登记")
_SERIAL_TWICE = Words("{number} {serial} is on the shelf already", "{number} {serial} 已在库")
_NO_SERIAL = Words("{number} {serial} is not on the shelf", "{number} {serial} 不在库")
_WHICH_SERIAL = Words(
    "{number}: every piece on the shelf has a serial; say which", "{number}：在库配件均有序列号，请指明"
)
_NOT_HELD = Words(
    "{number}: so many were not held for or used in {ticket}", "{number}：工单 {ticket} 未预留或使用这么多"
)
_NOT_DEFECTIVE = Words("{number}: so many defective pieces are not here", "{number}：没有这么多不良品")
_SHORT = Words(
    "{number}: {short} too few on the shelf ({free} free)", "{number}：库存不足，缺 {short} 件（可用 {free} 件）"
)
_ORDER = Words("Order it: `assay reserve` says what is missing", "请订货：用 `assay reserve` 查看缺件")
_LOOK = Words("See what is there: `assay stock list`", "查看库存：`assay stock list`")
