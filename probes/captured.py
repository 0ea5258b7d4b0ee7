"""How captured output of a phone is read: the rules that hold for every kind.

Bytes in, inert text and exact numbers out; nothing here raises on input and nothing guesses. It stands on
`probes.api` alone and knows no phone, no command and no limit.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from probes.api import Parsed, Problem

__all__ = [
    "LINE_LIMIT",
    "MOST_SHORT_LINES",
    "SHORT_LINE",
    "after",
    "cut_line",
    "decimal",
    "flag",
    "fold_json",
    "integer",
    "is_framing",
    "note",
    "plain_numbers",
    "plain_text",
    "raw_lines",
    "stripped_lines",
    "text_of",
    "unquoted",
]

#: Longest line that is looked at, in characters: the longest value that a setting of Android may have. Lines of real
#: dumps have some thousands at most; a longer one is a broken stream.
LINE_LIMIT = 32_768
#: As many lines are looked at in any text, and one more for each so many characters. Lines of real dumps and logs have
#: 30 to 150 characters; a text of nothing but empty lines is a broken stream, and would take seconds.
MOST_SHORT_LINES, SHORT_LINE = 4096, 16
#: Bytes that are decoded in one go.
_PIECE = 65_536
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_HEX = re.compile(r"0[xX][0-9a-fA-F]{1,16}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_MARK = re.compile("(?<=[0-9])[,\u066b](?=[0-9])", re.ASCII)
_TRUE = frozenset(("true", "yes", "1"))
_FALSE = frozenset(("false", "no", "0"))


def text_of(data: bytes) -> str:
    """`data` as text: UTF-8 with replacement, or what its byte order mark says (a console that redirects to a file).

    Bytes that are no text take a decoder a hundred times as long, in one go in which no other thread has a turn: long
    ones are decoded piece by piece.
    """
    if data.startswith(_WIDE):
        return _decoded(data, "utf-16")
    return _decoded(data.removeprefix(b"\xef\xbb\xbf"), "utf-8")


def _decoded(data: bytes, encoding: str) -> str:
    if len(data) <= _PIECE:
        return data.decode(encoding, "replace")
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    pieces = [decoder.decode(data[at : at + _PIECE]) for at in range(0, len(data), _PIECE)]
    return "".join((*pieces, decoder.decode(b"", final=True)))


def plain_text(data: bytes) -> str:
    """As `text_of`, with CR LF and CR CR LF made LF."""
    return text_of(data).replace("\r\r\n", "\n").replace("\r\n", "\n")


def cut_line(data: bytes) -> str:
    """The last line, stripped, where it has no end; empty where it has one. Its value may be half a value."""
    if not data.startswith(_WIDE):
        at = data.rfind(b"\n") + 1
        data = data[at : at + 4 * LINE_LIMIT]  # a character has four bytes at most
    return text_of(data).rpartition("\n")[2][:LINE_LIMIT].strip()


def _split(text: str) -> list[str]:
    most = MOST_SHORT_LINES + len(text) // SHORT_LINE
    return text.split("\n", most)[:most]


def raw_lines(data: bytes) -> list[str]:
    """The lines of `data`: CR LF and CR CR LF made LF, trailing blanks off, indents kept."""
    return [line[:LINE_LIMIT].rstrip() for line in _split(text_of(data))]


def stripped_lines(data: bytes) -> list[str]:
    """As `raw_lines`, without indents and without the framing of bug reports."""
    text = text_of(data)
    if len(text) <= LINE_LIMIT:
        lines = [raw.strip() for raw in _split(text)]
    else:
        lines = [raw[:LINE_LIMIT].strip() for raw in _split(text)]
    framed = _DURATION in text or any(frame in text for frame in _FRAMES)  # looked for once: most answers have none
    return [line for line in lines if not is_framing(line)] if framed else lines


_FRAMES = ("DUMP OF SERVICE ", "------", "*** SERVICE ")
_DURATION = " was the duration of "


def is_framing(line: str) -> bool:
    """Whether a stripped line is the frame that `dumpsys` or `bugreport` puts around a dump, not part of it."""
    return line.startswith(_FRAMES) or _DURATION in line


def integer(text: str) -> int | None:
    """`text` as a whole number, or None. ASCII digits only, at most 18, so that nothing overflows or is slow."""
    text = text.strip()
    if len(text) <= 18 and text.isdigit() and text.isascii():  # as nearly all are; a pattern takes three times as long
        return int(text)
    return int(text) if _INTEGER.fullmatch(text) else int(text, 16) if _HEX.fullmatch(text) else None


def decimal(text: str) -> Decimal | None:
    """`text` as an exact decimal number, or None."""
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:  # pragma: no cover - the pattern admits only numbers
        return None


def plain_numbers(line: str) -> str:
    """`line` with the digits and decimal marks that the phone's language may have put into numbers made plain."""
    digits = "".join(str(unicodedata.decimal(char, char)) for char in line) if not line.isascii() else line
    return _MARK.sub(".", digits)


def flag(text: str) -> bool | None:
    """`text` as a flag (`true`/`yes`/`1`, `false`/`no`/`0`), or None."""
    word = text.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else None


def unquoted(text: str) -> str:
    """`text` without blanks around it and without one pair of double or single quotes."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def after(lines: Iterable[str], label: str) -> Iterator[str]:
    """What follows `label` in every line that begins with it, blanks stripped."""
    return (line[len(label) :].strip() for line in lines if line.startswith(label))


def note(parsed: Parsed, what: str, found: str, wanted: str) -> None:
    """Put on record that `what` could not be read: `found` stood where `wanted` was expected."""
    shown = ascii(found[:80])
    parsed.problems.append(Problem(what, f"expected {wanted}, found {shown}", f"格式不符：{shown}"))


def fold_json(value: object) -> object:
    """A fact as JSON can hold it: exact decimals become numbers, tuples become lists."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): fold_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fold_json(item) for item in value]
    return value
