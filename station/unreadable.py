"""What is said of a ticket whose journal can't be read whole: why, and what to do.

Such a ticket is set aside: nothing is concluded from the rest of it, nothing is done with it, nothing of it is changed.
Stands on errors alone; the reason names a row and never what stands in it, which may tell of a customer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from drivers.api import Side
from drivers.text import Words, safe_text
from station.errors import Trouble

__all__ = ["DAMAGE", "STATE", "Undeciphered", "Unreadable", "aside_words", "undecodable", "unreadable"]


#: What stands in lists in the place of the ticket's state.
STATE = Words("unreadable", "无法读取")


class Undeciphered(ValueError):
    """What was encrypted does not open with the key that is there: one of the two was changed."""


#: What reading a damaged row ends in: no JSON, no event, not that shape, not that type, no text, not as encrypted.
DAMAGE = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)


class Unreadable(Trouble):
    """A row of the journal can't be read, so that nothing may be concluded from the others of its ticket.

    Attributes:
        scope: the ticket's number; of a run without one its id.
        seq: the row's place in the journal.
    """

    def __init__(self, scope: str, seq: int, what: Words, next_step: Words) -> None:
        super().__init__("ticket.unreadable", what, Side.BENCH, next_step)
        self.scope, self.seq = scope, seq


def unreadable(row: Mapping[str, Any], error: Exception) -> Unreadable:
    """Why a row of the journal can't be read, and what to do."""
    ticket, run, seq = (safe_text(str(row[name]), 60) for name in ("ticket", "run", "seq"))
    newer = _newer(error)
    why = _NEWER if newer else _UNDECIPHERED if isinstance(error, Undeciphered) else _DAMAGED
    said = (_TICKET if ticket else _RUN).fill(scope=ticket or run, why=why.fill(seq=seq))
    return Unreadable(row["ticket"] or row["run"], row["seq"], said, _UPDATE if newer else _RESTORE)


def _newer(error: Exception) -> bool:
    """Whether it is an event of a kind, or with a field, that this program does not know: another version wrote it."""
    if not isinstance(error, ValidationError):
        return False
    return all(one["type"] in _UNKNOWN for one in error.errors(include_input=False))


def undecodable(error: sqlite3.Error) -> bool:
    """Whether SQLite gave up on a text because it is none: its own error has no name for that."""
    return isinstance(error, sqlite3.OperationalError) and "decode" in str(error)


def aside_words(aside: Mapping[str, Unreadable]) -> tuple[Words, ...]:
    """What the bench says of the tickets that are set aside, in one line however many there are."""
    if len(aside) > 1:
        return (_SEVERAL.fill(n=len(aside), scopes=", ".join(sorted(aside))),)
    return tuple(trouble.what for trouble in aside.values())


_SEVERAL = Words(
    "{n} tickets are set aside, they can't be read (`assay doctor` says why): {scopes}",
    "{n} 个工单无法读取，已单独搁置（原因见 `assay doctor`）：{scopes}",
)
#: What pydantic calls a kind and a field that it does not know (a field of a dataclass by the last name).
_UNKNOWN = ("union_tag_invalid", "extra_forbidden", "unexpected_keyword_argument")
_TICKET = Words("Ticket {scope} is set aside, it can't be read: {why}", "工单 {scope} 无法读取，已单独搁置：{why}")
_RUN = Words("Run {scope} is set aside, it can't be read: {why}", "检测 {scope} 无法读取，已单独搁置：{why}")
_NEWER = Words(
    "row {seq} of the journal says what only a newer Assay knows", "日志第 {seq} 行的内容只有更新版本的 Assay 才能识别"
)
_UNDECIPHERED = Words("row {seq} of the journal does not open with its key", "日志第 {seq} 行无法用其密钥解密")
_DAMAGED = Words("row {seq} of the journal is damaged", "日志第 {seq} 行已损坏")
_UPDATE = Words(
    "Don't hand the phone out. Update Assay on this bench to the version that was used last; where it is that already,"
    " have the disk checked, and take the phone in again under a new ticket to go on. Nothing was deleted",
    "请勿交付该手机。请将本工位的 Assay 更新到最后使用的版本；若已是该版本，请检查磁盘，"
    "如需继续请以新工单重新接件。数据未作任何删除",
)
_RESTORE = Words(
    "Don't hand the phone out. Have the disk checked; to go on, take the phone in again under a new ticket. What this"
    " one was is in the newest backup, restored into another data folder (`assay restore`). Nothing was deleted",
    "请勿交付该手机。请检查磁盘；如需继续，请以新工单重新接件。原工单内容可将最近备份恢复到另一数据目录查看"
    "（`assay restore`）。数据未作任何删除",
)
