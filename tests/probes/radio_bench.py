"""A scripted bench whose phone changes when it is told to: for probes that write and then look again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probe_bench import NoPerson, Readings, ScriptedBench, result, value_fits

from drivers.api import CommandResult, Shell
from drivers.text import Words
from probes.api import Measurement, Person, Probe, Skipped, Unread, Write, discover

LOADED = discover()
DECLINED = Skipped(Words("nobody agreed", "未获同意"))


@dataclass
class ScriptedShell:
    """Answers a live command by its script: the next of the texts for it, the last one again and again."""

    answers: Mapping[str, Sequence[str | CommandResult]]
    asked: list[str] = field(default_factory=list)
    _given: Counter[str] = field(default_factory=Counter)

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        self.asked.append(script)
        for begin, texts in self.answers.items():
            if script.startswith(begin):
                text = texts[min(self._given[begin], len(texts) - 1)]
                self._given[begin] += 1
                return text if isinstance(text, CommandResult) else result(text)
        return result(stderr=f"sh: {script}: not found\n", exit_code=127)


@dataclass
class WritingBench(ScriptedBench):
    """As a scripted bench, and keeps what was written; `refusal` is raised or answered instead of a plain success."""

    refusal: Exception | CommandResult | None = None
    written: list[Write] = field(default_factory=list)
    person: Person = field(default_factory=NoPerson)

    async def write(self, write: Write, *, deadline_s: float = 15.0) -> CommandResult:
        if isinstance(self.refusal, Exception):
            raise self.refusal
        self.written.append(write)
        return self.refusal or result()

    @property
    def lines(self) -> list[tuple[str, str]]:
        """What was done, and how it would be undone."""
        return [(write.do, write.undo) for write in self.written]


def writing_bench(
    reads: Mapping[str, str | CommandResult],
    live: Mapping[str, Sequence[str | CommandResult]] | None = None,
    *,
    refusal: Exception | CommandResult | None = None,
    person: Person | None = None,
) -> WritingBench:
    """A bench with these declared answers and these live ones."""
    answers = {name: one if isinstance(one, CommandResult) else result(one, name=name) for name, one in reads.items()}
    shell = ScriptedShell(live or {})
    return WritingBench(answers, person or NoPerson(), {}, {Shell: shell}, refusal)


async def read(probe_id: str, bench: WritingBench, **settings: Any) -> Readings:
    """Run a probe on it; every reading is declared, comes once, and holds the declared kind of value."""
    declared: Probe = LOADED.probes[probe_id]
    run: Callable[..., Any] = declared.run
    found = Readings({}, {})
    async for one in run(bench, **settings):
        assert one.name in declared.measures, one
        assert one.name not in found.measured
        assert one.name not in found.unread
        if isinstance(one, Measurement):
            assert value_fits(declared.measures[one.name], one.value), one
            found.measured[one.name] = one
        else:
            assert isinstance(one, Unread)
            assert one.reason.en
            assert one.reason.zh
            found.unread[one.name] = one
    return found
