"""Parts of attempts that are told together stand in one row of the journal: a run is hundreds of them.

A row for each was most of what a bench with many phones wrote. In a pack each part keeps its own time; what is private
is left out of all and sealed together, once. Stands on events and scopes; it knows no database.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from reports.predicates import Quantity
from station.events import Event, Identifying, fields_of
from station.vault import Scope

__all__ = ["KIND", "PACKABLE", "packs", "sealed_body", "times", "unpacked"]

#: The kind of a row that holds a pack.
KIND = "attempt-parts"
#: The kinds of events that a pack may hold: nothing asks the journal for one of these alone.
PACKABLE = frozenset(("attempt-started", "reads", "attached", "measured", "unread", "attempt-ended"))
#: The most parts of a pack: bounds how long a row is.
MOST = 256
_PURPOSE = "attempt-parts.private"


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


def sealed_body(events: Sequence[Event], private: Mapping[str, Sequence[str]], scope: Scope) -> str:
    """The body of the row for a pack.

    Args:
        private: the names of private fields by kind of event.
    """
    first = events[0]
    parts: list[tuple[int, int, dict[str, Any]]] = []
    hidden: list[Any] = []
    for each in events:
        kind = each.body.kind
        told = fields_of(each.body)
        for name in private.get(kind, ()):
            value = told[name]
            if isinstance(value, Quantity):
                told[name] = value.__dict__  # as data: to find out what a model is takes longer than to write it
            elif place := _place(value, len(hidden)):
                hidden.append(value)
                told[name] = place
        parts.append((each.wall_ms - first.wall_ms, each.mono_ns - first.mono_ns, told))
    sealed = base64.b64encode(scope.seal(to_json(hidden), _PURPOSE)).decode() if hidden else ""
    return to_json({"parts": parts, "private": sealed}).decode()


def _place(value: object, at: int) -> dict[str, int] | None:
    """What stands where a private value was: its shape, and its place among those that are sealed; None: it says
    nothing of a customer."""
    if not value:
        return None
    if isinstance(value, str):
        return {"text": at}
    if isinstance(value, Identifying):
        return {"identity": at}
    return {"texts": at, "n": len(value)} if isinstance(value, tuple) else None


def unpacked(row: Mapping[str, Any], private: Mapping[str, Sequence[str]], scope: Scope | None) -> list[dict[str, Any]]:
    """The parts of a pack as data, each with its `wall_ms` and `mono_ns` beside its `body`.

    Where the key was destroyed, private texts are empty (as many as there were) and identities are None.
    """
    told = json.loads(row["body"])
    plain = scope.open(base64.b64decode(told["private"]), _PURPOSE) if scope and told["private"] else None
    hidden = None if plain is None else json.loads(plain)
    for _, _, body in told["parts"]:
        for name in private.get(body["kind"], ()):
            body[name] = _filled(body[name], hidden)
    return [
        {"wall_ms": row["wall_ms"] + wall, "mono_ns": row["mono_ns"] + mono, "body": body}
        for wall, mono, body in told["parts"]
    ]


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
    return (row["mono_ns"] + mono for _, mono, _ in json.loads(row["body"])["parts"])
