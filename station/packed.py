"""Parts of attempts that are told together stand in one row of the journal: a run is hundreds of them.

A row for each was most of what a bench with many phones wrote. In a pack each part keeps its own time; what is private
is left out of all and sealed together, once. Stands on events and scopes; it knows no database.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from pydantic_core import to_json

from reports.predicates import Quantity
from station.events import (
    PRIVATE,
    Attached,
    AttemptEnded,
    AttemptStarted,
    Event,
    Identifying,
    Measured,
    NotRead,
    Reads,
)
from station.vault import Scope

__all__ = ["KIND", "PACKABLE", "packs", "sealed_body", "times", "unpacked"]

#: The kind of a row that holds a pack: `fields` are the names of each kind's values, `parts` are kind, milliseconds and
#: nanoseconds after the row's own time, and values; `private` is a list of what was left out, as sealed.
KIND = "attempt-parts"
#: The most parts of a pack: bounds how long a row is.
MOST = 256
_PURPOSE = "attempt-parts.private"


class _Shape(NamedTuple):
    """How a part of that type is written: its values in the order of their names, and which of them are private."""

    kind: str
    names: tuple[str, ...]
    values: Callable[[Any], tuple[Any, ...]]
    private: tuple[int, ...]


def _shape(part: Any) -> _Shape:
    kind = next(field.default for name, field in part.__dataclass_fields__.items() if name == "kind")
    names = tuple(name for name in part.__slots__ if name != "kind")
    return _Shape(kind, names, attrgetter(*names), tuple(names.index(name) for name in PRIVATE.get(kind, ())))


_SHAPES: Mapping[type, _Shape] = {
    part: _shape(part) for part in (AttemptStarted, Reads, Attached, Measured, NotRead, AttemptEnded)
}
#: The kinds of events that a pack may hold: nothing asks the journal for one of these alone.
PACKABLE = frozenset(shape.kind for shape in _SHAPES.values())


def packs(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """The events in order, with neighbours of one run that can share a row together."""
    first = 0
    for at in range(1, len(events) + 1):
        if at == len(events) or at - first >= MOST or not _share(events[first], events[at]):
            yield events[first:at]
            first = at


def _share(first: Event, other: Event) -> bool:
    return (
        other.run == first.run != ""
        and other.body.kind in PACKABLE
        and first.body.kind in PACKABLE
        and other.ticket == first.ticket
        and other.boot_id == first.boot_id
    )


def sealed_body(events: Sequence[Event], scope: Scope) -> str:
    """The body of the row for a pack."""
    first = events[0]
    shapes: set[_Shape] = set()
    parts: list[tuple[str, int, int, list[Any]]] = []
    hidden: list[Any] = []
    for each in events:
        shape = _SHAPES[type(each.body)]
        shapes.add(shape)
        values = list(shape.values(each.body))
        for at in shape.private:
            values[at] = _open_part(values[at], hidden)
        parts.append((shape.kind, each.wall_ms - first.wall_ms, each.mono_ns - first.mono_ns, values))
    sealed = base64.b64encode(scope.seal(to_json(hidden), _PURPOSE)).decode() if hidden else ""
    fields = {shape.kind: shape.names for shape in shapes}
    return to_json({"fields": fields, "parts": parts, "private": sealed}).decode()


def _open_part(value: Any, hidden: list[Any]) -> Any:
    """What of a value may stand in clear: all where it tells nothing of a customer, else only its shape, and its place
    among what is sealed, where it goes."""
    if isinstance(value, Quantity):
        return value.__dict__  # as data: to find out what a model is takes longer than to write it
    if not value or isinstance(value, bool):
        return value
    hidden.append(value)
    at = len(hidden) - 1
    if isinstance(value, tuple):
        return {"texts": at, "n": len(value)}
    return {"identity" if isinstance(value, Identifying) else "text": at}


def unpacked(row: Mapping[str, Any], scope: Scope | None) -> list[dict[str, Any]]:
    """The parts of a pack as data, each with its `wall_ms` and `mono_ns` beside its `body`.

    Where the key was destroyed, private texts are empty (as many as there were) and identities are None.

    Raises:
        Undeciphered: what is private was sealed with another key, or was changed since.
    """
    told = json.loads(row["body"])
    plain = scope.unseal(base64.b64decode(told["private"]), _PURPOSE) if scope and told["private"] else None
    hidden = None if plain is None else json.loads(plain)
    found = []
    for kind, wall_ms, mono_ns, values in told["parts"]:
        body = {"kind": kind, **dict(zip(told["fields"][kind], values, strict=True))}
        body |= {name: _filled(body[name], hidden) for name in PRIVATE.get(kind, ()) if name in body}
        found.append({"wall_ms": row["wall_ms"] + wall_ms, "mono_ns": row["mono_ns"] + mono_ns, "body": body})
    return found


def _filled(value: Any, hidden: Sequence[Any] | None) -> Any:
    match value:
        case {"text": int(at), **more} if not more:
            return "" if hidden is None else hidden[at]
        case {"texts": int(at), "n": int(count), **more} if not more:
            return [""] * count if hidden is None else hidden[at]
        case {"identity": int(at), **more} if not more:
            return {"identity": None} if hidden is None else hidden[at]
    return value


def times(row: Mapping[str, Any]) -> Iterator[int]:
    """When each part of a pack happened, in nanoseconds of its boot: what an event is known by."""
    return (row["mono_ns"] + mono_ns for _, _, mono_ns, _ in json.loads(row["body"])["parts"])
