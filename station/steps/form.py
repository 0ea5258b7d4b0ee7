"""What was typed into a form, made into values: all that is wrong with it is said at once. Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from drivers.api import Side
from drivers.text import Words, safe_text
from station.errors import EXIT_USE, Trouble
from station.steps.api import Field, Filled, Photo

__all__ = ["fill"]

#: The largest sum and count: integers of a record stay within 2^53.
_MOST = 2**53 - 1

_NEEDED = Words("{label}: needed", "{label}：必填")
_UNKNOWN = Words("{name}: there is no such field", "{name}：没有此字段")
_CHOOSE = Words("{label}: choose one of {choices}", "{label}：请选择 {choices}")
_NUMBER = Words("{label}: a whole number from 0 is needed", "{label}：应为不小于 0 的整数")
_MONEY = Words("{label}: a sum like 120 or 120.50 is needed", "{label}：应为金额，例如 120 或 120.50")
_DATE = Words("{label}: a day like 2026-03-31 is needed", "{label}：应为日期，例如 2026-03-31")
_MOMENT = Words("{label}: a time like 2026-03-31 14:30 is needed", "{label}：应为时间，例如 2026-03-31 14:30")
_YES_NO = Words("{label}: yes or no is needed", "{label}：应为是或否")
_DIGEST = Words("{label}: the digest of a record is needed", "{label}：应为记录摘要")
_ROWS = Words("{label}: at most {most} lines", "{label}：最多 {most} 行")
_LIST = Words("{label}: a list is needed", "{label}：应为列表")
_LONG = Words("{label}: at most {most} characters", "{label}：最多 {most} 个字符")
_MEND = Words("Correct it and send it again; nothing was stored", "请更正后重新提交；未保存任何内容")
_YES = frozenset({"yes", "true", "1", "y", "x", "是"})
_NO = frozenset({"no", "false", "0", "n", "", "否"})


class _Wrong(ValueError):
    """One thing that is wrong."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


def fill(fields: Sequence[Field], typed: Mapping[str, Any], photo: Callable[[str], Photo]) -> Filled:
    """The values of `fields`, from what was typed (texts, or native values from a file).

    Args:
        photo: reads a file that was named; raises `Trouble` when it can't be read.

    Raises:
        Trouble: with everything that is wrong.
    """
    problems = [_UNKNOWN.fill(name=name) for name in typed.keys() - {one.name for one in fields}]
    filled: dict[str, Any] = {}
    for one in fields:
        try:
            filled[one.name] = _value(one, typed.get(one.name), photo)
        except _Wrong as wrong:
            problems.append(wrong.words)
    if problems:
        what = Words("; ".join(one.en for one in problems), "；".join(one.zh for one in problems))
        raise Trouble("form.wrong", what, Side.PERSON, _MEND, EXIT_USE)
    return filled


def _value(one: Field, typed: Any, photo: Callable[[str], Photo]) -> Any:
    if one.kind == "tick":
        ticked = _tick(one, typed)
        if one.required and not ticked:
            raise _Wrong(_NEEDED.fill(label=one.label))
        return ticked
    if isinstance(typed, str):
        typed = typed.strip()
    if typed is None or typed in ("", [], ()):
        if one.required:
            raise _Wrong(_NEEDED.fill(label=one.label))
        return () if one.kind in ("choices", "rows", "photos") else "" if one.kind in ("text", "long") else None
    if one.kind in ("choices", "rows", "photos") and not isinstance(typed, str | list | tuple):
        raise _Wrong(_LIST.fill(label=one.label))
    return _READ[one.kind](one, typed, photo)


def _tick(one: Field, typed: Any) -> bool:
    if isinstance(typed, bool) or typed is None:
        return bool(typed)
    word = str(typed).strip().lower()
    if word not in _YES | _NO:
        raise _Wrong(_YES_NO.fill(label=one.label))
    return word in _YES


def _text(one: Field, typed: Any, photo: Callable[[str], Photo]) -> str:
    lines = str(typed).splitlines() if one.kind == "long" else [str(typed)]
    text = "\n".join(safe_text(line, one.most + 1) for line in lines)
    if len(text) > one.most:
        raise _Wrong(_LONG.fill(label=one.label, most=one.most))
    return text


def _choice(one: Field, typed: Any, photo: Callable[[str], Photo]) -> str:
    if typed not in [choice.value for choice in one.choices]:
        raise _Wrong(_CHOOSE.fill(label=one.label, choices=", ".join(choice.value for choice in one.choices)))
    return str(typed)


def _choices(one: Field, typed: Any, photo: Callable[[str], Photo]) -> tuple[str, ...]:
    words = re.split(r"[,\s，、]+", typed.strip()) if isinstance(typed, str) else list(typed)
    return tuple(dict.fromkeys(_choice(one, word, photo) for word in words))


def _count(one: Field, typed: Any, photo: Callable[[str], Photo]) -> int:
    text = str(typed)
    if isinstance(typed, bool) or not re.fullmatch(r"[0-9]{1,15}", text):
        raise _Wrong(_NUMBER.fill(label=one.label))
    return int(text)


def _money(one: Field, typed: Any, photo: Callable[[str], Photo]) -> int:
    try:
        sum_ = Decimal(str(typed)) * 100
    except InvalidOperation as error:
        raise _Wrong(_MONEY.fill(label=one.label)) from error
    if isinstance(typed, bool) or not sum_.is_finite() or sum_ != sum_.to_integral_value() or not 0 <= sum_ <= _MOST:
        raise _Wrong(_MONEY.fill(label=one.label))
    return int(sum_)


def _date(one: Field, typed: Any, photo: Callable[[str], Photo]) -> datetime.date:
    if isinstance(typed, datetime.date) and not isinstance(typed, datetime.datetime):
        return typed
    try:
        return datetime.date.fromisoformat(str(typed))
    except ValueError as error:
        raise _Wrong(_DATE.fill(label=one.label)) from error


def _moment(one: Field, typed: Any, photo: Callable[[str], Photo]) -> int:
    try:
        moment = typed if isinstance(typed, datetime.datetime) else datetime.datetime.fromisoformat(str(typed))
        ms = round(moment.astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError) as error:
        raise _Wrong(_MOMENT.fill(label=one.label)) from error
    if not 0 <= ms <= _MOST:
        raise _Wrong(_MOMENT.fill(label=one.label))
    return ms


def _digest(one: Field, typed: Any, photo: Callable[[str], Photo]) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", str(typed)):
        raise _Wrong(_DIGEST.fill(label=one.label))
    return str(typed)


def _rows(one: Field, typed: Any, photo: Callable[[str], Photo]) -> tuple[dict[str, Any], ...]:
    """Rows as tables, or as lines whose cells are parted by `;`."""
    lines = typed.split("\n") if isinstance(typed, str) else list(typed)
    rows = [_cells(one, line) if isinstance(line, str) else line for line in lines if line]
    if len(rows) > one.most:
        raise _Wrong(_ROWS.fill(label=one.label, most=one.most))
    found = []
    for row in rows:
        if not isinstance(row, Mapping):
            raise _Wrong(_NEEDED.fill(label=one.label))
        if unknown := row.keys() - {column.name for column in one.columns}:
            raise _Wrong(_UNKNOWN.fill(name=f"{one.name}.{sorted(unknown)[0]}"))
        found.append({column.name: _value(column, row.get(column.name), photo) for column in one.columns})
    return tuple(found)


def _cells(one: Field, line: str) -> dict[str, str]:
    cells = [cell.strip() for cell in re.split("[;；]", line)]
    return dict(zip((column.name for column in one.columns), cells, strict=False))


def _photos(one: Field, typed: Any, photo: Callable[[str], Photo]) -> tuple[Photo, ...]:
    paths = [path.strip() for path in typed.split("\n")] if isinstance(typed, str) else list(typed)
    if len(paths) > one.most:
        raise _Wrong(_ROWS.fill(label=one.label, most=one.most))
    return tuple(photo(str(path)) for path in paths if path)


_READ: dict[str, Callable[[Field, Any, Callable[[str], Photo]], Any]] = {
    "text": _text,
    "long": _text,
    "choice": _choice,
    "choices": _choices,
    "count": _count,
    "money": _money,
    "date": _date,
    "moment": _moment,
    "digest": _digest,
    "rows": _rows,
    "photos": _photos,
}
