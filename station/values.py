"""Measured values between the probe's exact types and the shapes that journal and records hold.

Stands on `probes.units` for what a unit or kind may carry. It knows no limit and no verdict.
"""

from __future__ import annotations

from decimal import Decimal

from drivers.text import Words, safe_text
from probes.api import Value
from probes.units import FLAG, IDENTITY, LIST, TEXT, is_number, symbol
from reports.predicates import Quantity
from reports.record import RecordError, quantity
from station.events import Held, Identifying

#: The most characters of a text and items of a list that are kept; the raw answer in the evidence has the rest.
TEXT_LIMIT = 1000
LIST_LIMIT = 400

__all__ = ["WrongValue", "as_shown", "as_value", "held", "is_words", "require_texts"]


class WrongValue(Exception):
    """A probe gave a value that its own declaration does not allow."""


def held(value: Value, unit: str) -> Held:
    """`value` as it is kept.

    Raises:
        WrongValue: not of the declared unit or kind, or a number that can't be kept exactly.
    """
    if is_number(unit) and isinstance(value, Decimal):
        try:
            return quantity(value, unit)
        except RecordError as error:
            raise WrongValue(str(error)) from error
    if unit == FLAG and isinstance(value, bool):
        return value
    if unit == TEXT and isinstance(value, str):
        return safe_text(value, TEXT_LIMIT)
    if unit == IDENTITY and isinstance(value, str):
        return Identifying(identity=value)
    if unit == LIST and isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return tuple(safe_text(item, TEXT_LIMIT) for item in value[:LIST_LIMIT])
    raise WrongValue(f"{type(value).__name__} where {unit!r} was declared")


def is_text(said: object) -> bool:
    """Whether something is a text that can be kept: without half a character (a lone surrogate)."""
    try:
        return isinstance(said, str) and (said.isascii() or bool(said.encode()))
    except UnicodeEncodeError:
        return False


def is_words(said: object) -> bool:
    """Whether something is a message in both languages that can be kept."""
    return isinstance(said, Words) and is_text(said.en) and is_text(said.zh)


def require_texts(*said: object) -> None:
    """See that a probe's words can be kept.

    Raises:
        WrongValue: one can't (`is_text`).
    """
    for one in said:
        if not is_text(one):
            raise WrongValue(f"{str(one)[:80]!a} is no text")


def as_value(kept: Held) -> Value | None:
    """What was kept, as the probe gave it; None for an identity whose key was destroyed."""
    if isinstance(kept, Quantity):
        return Decimal(kept.v).scaleb(kept.e) if kept.e else Decimal(kept.v)
    return kept.identity if isinstance(kept, Identifying) else kept


def as_shown(kept: Held | None) -> str:
    """A short text for a screen; of an identity only the last four characters."""
    if isinstance(kept, Quantity):
        number = Decimal(kept.v).scaleb(kept.e)
        return f"{number:f} {symbol(kept.u)}".rstrip() if -20 < number.adjusted() < 20 else str(number)
    if isinstance(kept, Identifying):
        return f"…{kept.identity[-4:]}" if kept.identity else "…"
    if isinstance(kept, tuple):
        return ", ".join(kept)
    return {True: "✓", False: "✗"}[kept] if isinstance(kept, bool) else kept or ""
