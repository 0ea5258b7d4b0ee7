"""What a probe says of answers alone: a pure step from bytes to readings, wherever it is taken.

A probe that waits for nothing says all that it has to say in one go, here or in a process of its own
(`station.onlookers`), so that what a phone answered can neither hold up the bench nor end it. Stands on the contracts
of drivers and probes alone.
"""

from __future__ import annotations

import traceback
from asyncio import CancelledError
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, NoReturn, TypeVar

from drivers.api import CommandResult, DriverError
from probes.api import Answer, NotRun, ProbeFunction, Prompt, Write

__all__ = ["Look", "NoReading", "ProbeBroke", "Told", "TookTooLong", "look_on", "said_of"]

T = TypeVar("T")
#: Bytes of answers from which a parser takes some tens of milliseconds (logs; measured with `benchmarks/plug.py`).
LONG = 64 * 1024
#: The most readings of one attempt: a probe that goes on and on is broken, and must not fill the memory.
MOST = 5_000
#: The most characters of an error's own words that are passed on.
ERROR_CHARS = 500


class ProbeBroke(Exception):
    """A probe failed by its own fault; the text says of what.

    Attributes:
        told: the text, and where in the probe, for the log.
    """

    def __init__(self, what: str, trace: str = "") -> None:
        super().__init__(what)
        self.told = (what, trace)


class NoReading(NamedTuple):
    """Something that a probe yielded and that is none.

    Attributes:
        what: its type.
    """

    what: str


class TookTooLong(Exception):
    """A probe was not through with the answers in its time.

    Attributes:
        seconds: how long it had.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not through after {seconds:g} s")
        self.seconds = seconds


class Look(NamedTuple):
    """What a probe is given that only looks at answers.

    Attributes:
        probe: its id.
        settings: its keyword arguments.
        ticket: what it may know of the ticket.
        answers: the results of its declared reads, each under the name that it was declared with.
    """

    probe: str
    settings: Mapping[str, object]
    ticket: Mapping[str, str]
    answers: tuple[CommandResult, ...]

    @property
    def long(self) -> bool:
        """Whether to look takes long enough for others to notice."""
        return sum(len(answer.stdout) for answer in self.answers) > LONG


class Told(NamedTuple):
    """What it said.

    Attributes:
        readings: what it yielded; nothing of it is checked yet.
        error: how it ended: None when it ran through, else a `NotRun`, a `DriverError` or a `ProbeBroke`.
        more: it wants a person or the phone, so that it has to begin again with them; what it said does not count.
    """

    readings: tuple[object, ...] = ()
    error: Exception | None = None
    more: bool = False


class _WantsMore(BaseException):
    """A probe that was given answers alone wants a person or the phone. No `Exception`: no probe may take it for its
    own."""


class _Nobody:
    """The `Person` of a probe that is given answers alone."""

    async def ask(self, prompt: Prompt) -> Answer:
        raise _WantsMore


class _Answers:
    """The `Bench` of a probe that is given answers alone."""

    def __init__(self, look: Look) -> None:
        self.person = _Nobody()
        self.ticket = look.ticket
        self._answers = {each.name: each for each in look.answers}

    def answer(self, name: str) -> CommandResult:
        return self._answers[name]

    def capability(self, kind: type[T]) -> T:
        raise _WantsMore

    async def write(self, write: Write, *, deadline_s: float = 15.0) -> CommandResult:
        raise _WantsMore

    def away(self) -> AbstractContextManager[None]:
        raise _WantsMore

    async def back(self, *, within_s: float) -> NoReturn:
        raise _WantsMore


def look_on(look: Look, run: ProbeFunction) -> Told:
    """Let a probe that waits for nothing (`Probe.waits`) say all that it has to say. Never raises for what it does."""
    said: list[object] = []
    readings: Any = None
    try:
        readings = run(_Answers(look), **look.settings)
        while len(said) < MOST:
            try:
                readings.__anext__().send(None)
            except StopIteration as one:
                said.append(one.value)
            except StopAsyncIteration:
                return Told(tuple(said))
            else:
                return Told(tuple(said), ProbeBroke("it waited, which it does not declare"))
        return Told(tuple(said), ProbeBroke(f"it gave more than {MOST} readings"))
    except _WantsMore:
        return Told(more=True)
    except (NotRun, DriverError) as error:
        return Told(tuple(said), error)
    except (Exception, SystemExit, CancelledError) as error:  # nothing that it raises is meant for anybody else
        return Told(tuple(said), ProbeBroke(said_of(error), "".join(traceback.format_tb(error.__traceback__))))
    finally:
        _close(readings)


def said_of(error: BaseException) -> str:
    """What an error says of itself."""
    try:
        return f"{type(error).__name__}: {error}"[:ERROR_CHARS]
    except Exception:
        return type(error).__name__


def _close(readings: Any) -> None:
    """Let a probe that is not through take back what it opened."""
    close = getattr(readings, "aclose", None)
    if close is None:
        return
    closing = close()
    try:
        closing.send(None)
    except BaseException:  # noqa: S110 - it is over either way
        pass
    finally:
        closing.close()
