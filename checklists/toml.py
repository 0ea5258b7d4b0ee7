"""Reads TOML files into documents that know the line of each key; every way a file can be unusable is a problem.

Numbers with a point stay the decimals that were written. Nothing here knows what a checklist is.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

from checklists.problems import ChecklistErrors, Document, Path, Problem
from drivers.text import Words, safe_text

__all__ = ["MAX_BYTES", "plain_problems", "read_document"]

#: No checklist comes near; a larger file is a mistake or an attack.
MAX_BYTES = 1024 * 1024

_HEADER = re.compile(r"^\s*(\[\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")


def read_document(path: FilePath) -> Document:
    """Read one file.

    Raises:
        ChecklistErrors: it can't be read, is too large, is not UTF-8 or is not TOML.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unusable(name, _UNREADABLE.fill(reason=error.strerror or error)) from error
    if len(data) > MAX_BYTES:
        raise _unusable(name, _TOO_LARGE)
    try:
        text = unicodedata.normalize("NFC", data.decode("utf-8-sig")).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _unusable(name, _NOT_UTF8.fill(at=error.start), line) from error
    try:
        return Document(name, tomllib.loads(text, parse_float=Decimal), _line_numbers(text))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        found = re.search(r"\(at line (\d+)", str(error))
        raise _unusable(name, _NOT_TOML.fill(message=error), int(found[1]) if found else None) from error


def _unusable(file: str, what: Words, line: int | None = None) -> ChecklistErrors:
    return ChecklistErrors([Problem(file, "", what, line)])


def _line_numbers(text: str) -> dict[Path, int]:
    """The line of each key and table header; what stands inside an inline table is found by its outer key."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    quote = ""
    for number, line in enumerate(text.split("\n"), 1):
        inside, quote = bool(quote), _open_quote(line, quote)
        if inside:
            continue
        if header := _HEADER.match(line):
            table = _placed(_parts(header[2]), counts, array=header[1] == "[[")
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            path = table
            for part in _parts(key[1]):
                path = (*path, part)
                lines.setdefault(path, number)
    return lines


def _open_quote(line: str, quote: str) -> str:
    """The kind of multi-line text that is open at the end of the line."""
    for mark in re.findall(r'"""|\'\'\'', line):
        quote = "" if mark == quote else quote or mark
    return quote


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.\"']+", dotted) if part.strip()]


def _placed(names: list[str], counts: dict[Path, int], *, array: bool) -> Path:
    """The path of a header, with the place of each array of tables on the way."""
    path: Path = ()
    for at, name in enumerate(names):
        path = (*path, name)
        if array and at == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def plain_problems(value: Any, path: Path = ()) -> Iterator[tuple[Path, Words]]:
    """What a value holds that can't go into a record: dates, odd keys, unsafe texts, numbers beyond its profile.

    Records hold whole numbers within 2^53 and decimals of a whole number within 2^53 and a power of ten within 10^±18.
    """
    if not isinstance(value, (list, tuple, Mapping)):
        if what := _problem_of(value):
            yield path, what
        return
    table = isinstance(value, Mapping)
    items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, item in items:
        at = (*path, str(key) if table else key)
        if table and not _PLAIN_KEY.fullmatch(str(key)):
            yield at, _ODD_KEY
        if not isinstance(item, (str, int, Decimal)):
            yield from plain_problems(item, at)
        elif what := _problem_of(item):  # most are such, and a generator for each took longer than the look
            yield at, what
    if table and set(value) == {"v", "e"}:
        yield path, _RESERVED


def _problem_of(value: object) -> Words | None:
    if isinstance(value, str):
        return None if safe_text(value, limit=len(value) + 1) == value else _UNSAFE
    if isinstance(value, int):  # flags are whole numbers here and pass
        return None if abs(value) < 2**53 else _OUT_OF_RANGE
    if isinstance(value, Decimal):
        return None if value.is_finite() and _in_profile(value) else _OUT_OF_RANGE
    return _NOT_PLAIN.fill(kind=type(value).__name__)


def _in_profile(value: Decimal) -> bool:
    _, digits, exponent = value.as_tuple()
    significant = "".join(map(str, digits)).strip("0") or "0"
    return isinstance(exponent, int) and -18 <= exponent <= 15 and int(significant) < 2**53 and abs(value) < 2**53


_UNREADABLE = Words("can't be read: {reason}", "无法读取：{reason}")
_TOO_LARGE = Words("is larger than 1 MiB", "超过 1 MiB")
_NOT_UTF8 = Words("is not UTF-8 text (byte {at}); save it as UTF-8", "不是 UTF-8 文本（第 {at} 字节）；请另存为 UTF-8")
_NOT_TOML = Words("is not valid TOML: {message}", "不是有效的 TOML：{message}")
_ODD_KEY = Words(
    "keys may have letters, digits, hyphens and underscores only", "键名只能使用字母、数字、连字符和下划线"
)
_RESERVED = Words("a table with exactly the keys v and e is reserved", "仅含 v 和 e 两个键的表为保留格式")
_UNSAFE = Words("holds a line break, a control character or an invisible character", "含有换行、控制字符或不可见字符")
_OUT_OF_RANGE = Words("is a number that a record can't hold exactly", "该数字无法精确写入记录")
_NOT_PLAIN = Words(
    "must be a text, a number, true/false, a list or a table, not {kind}",
    "应为文本、数字、true/false、列表或表，而不是 {kind}",
)
