"""What the screen stands on, as protocols: the engine it attaches to, the people who sign, the checklists.

The real ones are `station.client`, `station.people` and the `checklists` folder; the tests bring scripted ones. Nothing
here imports Textual.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple, Protocol

from drivers.text import Words

if TYPE_CHECKING:
    from station.errors import Trouble
    from station.messages import BenchSnapshot, Card, Command, Ok, SessionView

__all__ = [
    "Attached",
    "Bench",
    "ChecklistChoice",
    "Clock",
    "Connect",
    "Feed",
    "Signatory",
    "Signature",
    "Signer",
    "Tried",
]


class Attached(Protocol):
    """An open attachment to the engine."""

    async def send(self, command: Command) -> Ok:
        """Have the engine do one thing; raises `Trouble` when it refuses or is gone."""
        ...

    def bench(self) -> AsyncIterator[BenchSnapshot]:
        """The bench at each change; ends or raises `Trouble` when the engine is gone."""
        ...

    def session(self) -> AsyncIterator[SessionView]:
        """The watched slot at each change (after `Watch`)."""
        ...

    async def close(self) -> None:
        """Detach; the engine goes on."""
        ...


Connect = Callable[[], Awaitable[Attached]]


class Signatory(NamedTuple):
    """Somebody who may sign here: id, printed name, and the roles of the roster."""

    person: str
    name: str
    roles: tuple[str, ...]


class Signature(NamedTuple):
    """A signature over a prepared record, both as the engine takes them."""

    key_id: str
    base64: str


class Tried(NamedTuple):
    """One try to unlock a key, right or wrong; the engine journals it."""

    person: str
    key_id: str
    outcome: str
    failures: int
    at_ms: int


class Signer(Protocol):
    """People and their keys, unlocked only in this process, only for one signature. Both calls may block."""

    def people(self) -> Sequence[Signatory]:
        """Everybody who has a key on this station."""
        ...

    def sign(self, person: str, pin: str, payload: bytes, tried: Callable[[Tried], None]) -> Signature:
        """Sign the payload with the person's key; raises `Trouble` (wrong PIN, locked out, no key).

        `tried` is told of every try to unlock the key, before this returns or raises.
        """
        ...


class ChecklistChoice(NamedTuple):
    """A checklist that can be run, and the stages it is for."""

    id: str
    title: Words
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """The screen's clock: monotonic seconds, and the zone that times are shown in. Tests freeze it."""

    monotonic: Callable[[], float] = time.monotonic
    zone: tzinfo | None = None

    def local(self, ms: int) -> datetime:
        """The moment in the shop's zone."""
        return datetime.fromtimestamp(ms / 1000, self.zone).astimezone(self.zone)


@dataclass(slots=True)
class Feed:
    """The newest that the engine has said, nothing more. `lost` says why nothing new comes."""

    clock: Clock = field(default_factory=Clock)
    bench: BenchSnapshot | None = None
    session: SessionView | None = None
    lost: Trouble | None = None
    _heard: float = 0.0

    def hear_bench(self, snapshot: BenchSnapshot) -> None:
        """Take a newer snapshot of the bench; an older one is ignored."""
        if self.bench is None or snapshot.version >= self.bench.version:
            self.bench = snapshot
            self._heard = self.clock.monotonic()

    def hear_session(self, view: SessionView) -> None:
        """Take a newer view of the watched slot."""
        if self.session is None or view.slot != self.session.slot or view.version >= self.session.version:
            self.session = view

    def forget(self) -> None:
        """Another engine answers now: its versions start anew."""
        self.bench, self.session, self.lost = None, None, None

    def now_ms(self) -> int:
        """The engine's time now: what it last said and the time since."""
        if self.bench is None:
            return 0
        return self.bench.now_ms + int((self.clock.monotonic() - self._heard) * 1000)

    def card(self, slot: int) -> Card | None:
        """The card of a slot, if the engine knows the slot."""
        return next((card for card in self.bench.cards if card.slot == slot), None) if self.bench else None


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything a screen is given when it starts.

    `notice` is a line that stays on the overview. `glimpse` says what a person would see on the screen of the phone of
    that device id, where the phone cannot be looked at; empty everywhere but at a simulated bench. `first_look` is a
    first snapshot before the client is loaded.
    """

    connect: Connect
    signer: Signer
    checklists: Callable[[], Sequence[ChecklistChoice]]
    clock: Clock = field(default_factory=Clock)
    notice: str = ""
    glimpse: Callable[[str], str] = field(default=lambda device: "")
    first_look: Callable[[], Awaitable[BenchSnapshot | None]] | None = None
