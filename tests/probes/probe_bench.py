"""Builders for the tests of the probes: a bench that answers from a script, and what a probe then reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from drivers.api import CommandResult, DriverError, InputEvent, NoAnswer, Side
from drivers.text import Words
from probes.api import Answer, Evidence, Measurement, Person, Prompt, Skipped, Unread, discover

LOADED = discover()


def no_answer() -> NoAnswer:
    """The phone was silent until the deadline."""
    return NoAnswer("adb.no-answer", Words("no answer", "无响应"), Side.PHONE, Words("replug", "重新插拔"))


def result(
    stdout: str | bytes = b"",
    *,
    stderr: str = "",
    exit_code: int | None = 0,
    failure: DriverError | None = None,
    name: str = "x",
) -> CommandResult:
    """What one command gave."""
    data = stdout.encode() if isinstance(stdout, str) else stdout
    return CommandResult(name, name, data, stderr.encode(), exit_code, 0.0, 0.01, failure)


#: What a phone says to a command that it does not know.
UNKNOWN_COMMAND = result(stderr="/system/bin/sh: xyz: inaccessible or not found\n", exit_code=127)


class NoPerson:
    """For probes that must not ask."""

    async def ask(self, prompt: Prompt) -> Answer:
        raise AssertionError(f"asked {prompt.id}")


@dataclass
class ScriptedBench:
    """A bench whose phone answers by read name; every other read is a command that the phone does not know."""

    answers: Mapping[str, CommandResult]
    person: Person = field(default_factory=NoPerson)
    ticket: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[type, Any] = field(default_factory=dict)

    def answer(self, name: str) -> CommandResult:
        return self.answers.get(name, UNKNOWN_COMMAND)

    def capability(self, kind: type[Any]) -> Any:
        return self.capabilities[kind]


@dataclass
class Readings:
    """What a probe yielded, by name."""

    measured: dict[str, Measurement]
    unread: dict[str, Unread]
    evidence: dict[str, Evidence] = field(default_factory=dict)

    def value(self, name: str) -> Any:
        """The value measured; fails with the reason when it was not."""
        assert name in self.measured, self.unread.get(name, f"{name} was not yielded")
        return self.measured[name].value


async def run(probe_id: str, answers: Mapping[str, str | bytes | CommandResult], **settings: Any) -> Readings:
    """Run a probe of reads on these answers."""
    given = {name: one if isinstance(one, CommandResult) else result(one, name=name) for name, one in answers.items()}
    return await run_on(probe_id, ScriptedBench(given), **settings)


async def run_on(probe_id: str, bench: ScriptedBench, **settings: Any) -> Readings:
    """Run a probe; every reading must be one that it declares, once, of the declared kind of value."""
    declared = LOADED.probes[probe_id]
    unknown = set(bench.answers) - {read.name for read in declared.reads}
    assert not unknown, f"the probe never asks for {unknown}"
    readings = Readings({}, {})
    async for reading in declared.run(bench, **settings):
        if isinstance(reading, Evidence):
            readings.evidence[reading.name] = reading
            continue
        assert reading.name in declared.measures, reading
        assert reading.name not in readings.measured, f"{reading.name} twice"
        assert reading.name not in readings.unread, f"{reading.name} twice"
        if isinstance(reading, Measurement):
            assert value_fits(declared.measures[reading.name], reading.value), reading
            readings.measured[reading.name] = reading
        else:
            assert reading.reason.en
            assert reading.reason.zh
            readings.unread[reading.name] = reading
    return readings


def value_fits(unit: str, value: Any) -> bool:
    """Whether a value is what its declared unit asks for."""
    from decimal import Decimal

    wanted = {"text": str, "identity": str, "flag": bool, "list": tuple}.get(unit, Decimal)
    return isinstance(value, wanted)


class ScriptedEvents:
    """Input events on demand; `listing` is what `getevent -lp` prints."""

    def __init__(self, listing: str | CommandResult) -> None:
        self.listing = listing if isinstance(listing, CommandResult) else result(listing)
        self._queue: asyncio.Queue[InputEvent | DriverError | None] = asyncio.Queue()
        self.clock_s = 100.0
        self.closed = False

    async def describe(self, *, deadline_s: float) -> CommandResult:
        return self.listing

    @asynccontextmanager
    async def events(self, *, deadline_s: float) -> AsyncIterator[AsyncIterator[InputEvent]]:
        try:
            yield self._events()
        finally:
            self.closed = True

    async def _events(self) -> AsyncIterator[InputEvent]:
        while True:
            event = await self._queue.get()
            if event is None:
                return
            if isinstance(event, DriverError):
                raise event
            yield event

    def emit(self, code: int, *values: int, gap_s: float = 0.2, device: str = "/dev/input/event1") -> None:
        """The key events of these values, `gap_s` seconds apart on the phone's clock."""
        for value in values:
            self.clock_s += gap_s
            self._queue.put_nowait(InputEvent(self.clock_s, device, 1, code, value))

    def break_off(self, trouble: DriverError) -> None:
        """The link breaks."""
        self._queue.put_nowait(trouble)

    def end(self) -> None:
        """The deadline of the stream passes."""
        self._queue.put_nowait(None)


class ScriptedPerson:
    """Does something for each prompt: an answer's value, an exception to raise, or a call and then waiting."""

    def __init__(self, acts: Mapping[str, Any]) -> None:
        self.acts = acts
        self.asked: list[Prompt] = []
        self.taken_away: list[str] = []

    async def ask(self, prompt: Prompt) -> Answer:
        self.asked.append(prompt)
        act = self.acts.get(prompt.id, Skipped(Words("skipped", "跳过")))
        if isinstance(act, Exception):
            raise act
        if isinstance(act, str):
            return Answer(prompt.id, act, "tech-1")
        act()
        try:
            return await asyncio.Future()
        finally:
            self.taken_away.append(prompt.id)

    def order(self) -> Sequence[str]:
        """The prompts in the order they were asked."""
        return [prompt.id for prompt in self.asked]
