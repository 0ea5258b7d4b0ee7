"""A bench whose phone answers scripts by a function, keeps files in a dictionary, and notes every write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from probe_bench import NoPerson, ScriptedBench, no_answer, result

from drivers.api import Command, CommandResult, Files, Refused, Shell, Side
from drivers.text import Words
from probes.api import Write

#: What a script answers: a text, a whole result, or None for a phone that does not answer.
Answering = Callable[[str], str | CommandResult | None]


@dataclass
class FakeShell:
    """`Shell` by a function of the script."""

    says: Answering
    ran: list[str] = field(default_factory=list)

    async def run(self, script: str, *, deadline_s: float, limit: int = 0) -> CommandResult:
        self.ran.append(script)
        said = self.says(script)
        if said is None:
            return result(failure=no_answer(), name=script)
        return said if isinstance(said, CommandResult) else result(said, name=script)

    async def batch(
        self, commands: Sequence[Command], *, deadline_s: float, heard: object = None
    ) -> list[CommandResult]:
        answers = []
        for command in commands:
            said = await self.run(command.script, deadline_s=deadline_s)
            answers.append(
                CommandResult(
                    command.name, command.script, said.stdout, said.stderr, said.exit_code, 0.0, 0.0, said.failure
                )
            )
        return answers


@dataclass
class FakeFiles:
    """`Files` in a dictionary; `spoil` is laid over what is pulled."""

    stored: dict[str, bytes] = field(default_factory=dict)
    pushing: Exception | None = None
    spoil: Callable[[bytes], bytes] = lambda data: data

    async def pull(self, path: str, *, deadline_s: float, limit: int) -> bytes:
        if path not in self.stored:
            raise Refused("adb.no-file", Words("no such file", "没有此文件"), Side.PHONE, Words("look", "查看"))
        return self.spoil(self.stored[path])

    async def push(self, path: str, data: bytes, *, deadline_s: float, mode: int = 0o644) -> None:
        if self.pushing is not None:
            raise self.pushing
        self.stored[path] = data


@dataclass
class WritingBench(ScriptedBench):
    """A bench whose probes may write; every write is noted and answered by the same phone."""

    writes: list[Write] = field(default_factory=list)

    async def write(self, write: Write, *, deadline_s: float = 15.0) -> CommandResult:
        self.writes.append(write)
        answer: CommandResult = await self.capability(Shell).run(write.do, deadline_s=deadline_s)
        return answer

    @property
    def undone(self) -> list[str]:
        """The ways back, in the order they were noted."""
        return [write.undo for write in self.writes]


def bench(
    says: Answering,
    answers: Mapping[str, str | CommandResult] | None = None,
    *,
    files: FakeFiles | None = None,
    person: Any = None,
) -> WritingBench:
    """A bench with that phone; `answers` are those of the declared reads."""
    given = {
        name: one if isinstance(one, CommandResult) else result(one, name=name) for name, one in (answers or {}).items()
    }
    capabilities = {Shell: FakeShell(says), Files: files or FakeFiles()}
    return WritingBench(given, person=person or NoPerson(), capabilities=capabilities)
