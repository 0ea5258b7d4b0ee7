"""Reading `name: value` lines by a table of what is expected, the commonest shape of phone output.

A table says for each printed name which fact it gives and how the value is read; the first occurrence counts. It
stands on `probes.captured` and knows no phone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from probes.api import Parsed
from probes.captured import decimal, flag, integer, note

__all__ = ["FLAG_FIELD", "NUMBER_FIELD", "TENTHS_FIELD", "TEXT_FIELD", "Field", "read_fields"]


@dataclass(frozen=True, slots=True)
class Field:
    """How one value is read: `read` gives None for what it cannot read, `wanted` names what it expects."""

    read: Callable[[str], Any]
    wanted: str

    def named(self, fact: str) -> tuple[str, Field]:
        """The fact that this field gives."""
        return fact, self


def _tenths(text: str) -> Decimal | None:
    value = integer(text)
    exact = decimal(text) if value is None else Decimal(value)
    return None if exact is None else exact / 10


def _number(text: str) -> int | Decimal | None:
    return decimal(text) if "." in text else integer(text)


NUMBER_FIELD = Field(_number, "a number")
FLAG_FIELD = Field(flag, "a flag")
TEXT_FIELD = Field(lambda text: text or None, "a text")
TENTHS_FIELD = Field(_tenths, "a number of tenths")


def read_fields(pairs: list[tuple[str, str]], table: Mapping[str, tuple[str, Field]], parsed: Parsed) -> None:
    """Put into `parsed` every fact of `table` that `pairs` (printed name, value) state.

    The first pair of a name counts. An empty value states nothing; a value of the wrong shape becomes a problem.
    """
    seen: set[str] = set()
    for name, value in pairs:
        stated = table.get(name)
        if stated is None or name in seen:
            continue
        seen.add(name)
        fact, field = stated
        if not value or value in ("null", "(null)"):
            continue
        read = field.read(value)
        if read is None:
            note(parsed, fact, value, field.wanted)
        else:
            parsed.facts[fact] = read
