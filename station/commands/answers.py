"""Who answers prompts on the command line: a TOML file, or the person at the terminal. Nobody is never a pass.

In the file each table is a check and each key a prompt of it:

    [appearance]
    front = "none"
    back = { answer = "scratch", note = "lower left" }
    [display-pixels]
    digit = ["4", "7"]          # asked again: the next one
    [keys]
    volume-up = "wait"          # nothing to say, the phone sees it

What stands before the first table answers a prompt of that name in any check: `consent-to-write = "agree"`.
"""

from __future__ import annotations

import asyncio
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from station.commands.engine_side import say
from station.i18n import _, words

if TYPE_CHECKING:
    from station.messages import PromptView

__all__ = ["FromFile", "FromTerminal", "Reply", "Source", "Unanswered"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said to a prompt. `wait` says nothing and leaves the prompt open."""

    value: str = ""
    note: str = ""
    wait: bool = False


class Unanswered(Exception):
    """There is no answer: the check is skipped with this reason."""


class Source(Protocol):
    """Who answers."""

    async def reply(self, check: str, prompt: PromptView) -> Reply:
        """The answer to a prompt of that check; raises Unanswered when there is none."""
        ...


@dataclass(slots=True)
class FromFile:
    """Answers from a file; each is used in turn when a prompt comes again."""

    tables: dict[str, Any]
    _used: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> FromFile:
        """The answers in `path`; a file that is not TOML is wrong use."""
        try:
            return cls(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise click.UsageError(_("{path} can't be read: {why}").format(path=path, why=error)) from error

    async def reply(self, check: str, prompt: PromptView) -> Reply:
        """The file's answer; raises Unanswered when it has none (left)."""
        table = self.tables.get(check)
        given = table.get(prompt.id) if isinstance(table, dict) else None
        if given is None:
            given = self.tables.get(prompt.id)
        several = given if isinstance(given, list) else [] if given is None else [given]
        place = self._used.get((check, prompt.id), 0)
        if place >= len(several):
            raise Unanswered(f"no answer for {check} / {prompt.id} in the answers file")
        self._used[check, prompt.id] = place + 1
        return _reply(several[place])


def _reply(given: object) -> Reply:
    if isinstance(given, dict):
        return Reply(str(given.get("answer", "")), str(given.get("note", "")))
    if given == "wait":
        return Reply(wait=True)
    if isinstance(given, bool):
        return Reply("good" if given else "bad")
    return Reply(str(given))


class FromTerminal:
    """The person at the terminal; without one nobody answers."""

    def __init__(self) -> None:
        self._lines: asyncio.StreamReader | None = None

    async def reply(self, check: str, prompt: PromptView) -> Reply:
        """Ask and wait for one line; raises Unanswered when it is empty or nobody is there."""
        if not sys.stdin.isatty():
            raise Unanswered("nobody is there to answer")
        say(f"\n» {words(prompt.check_title)}: {words(prompt.title)}")
        for number, step in enumerate(prompt.steps, 1):
            say(f"   {number}. {words(step)}")
        if prompt.kind == "wait":
            say(_("   (the phone sees it; Ctrl+C stops the run)"))
            return Reply(wait=True)
        say(self._choices(prompt))
        typed = await self._line()
        if not typed:
            raise Unanswered("left empty")
        return Reply(self._value(prompt, typed))

    def _choices(self, prompt: PromptView) -> str:
        if prompt.kind == "verdict":
            return _("   + good   - bad   0 not applicable   (empty: skip)")
        if prompt.kind == "text":
            return _("   type the answer (empty: skip)")
        offered = "   ".join(f"{key or value} {words(label)}" for value, label, key in prompt.choices)
        return "   " + offered + _("   (empty: skip)")

    def _value(self, prompt: PromptView, typed: str) -> str:
        if prompt.kind == "verdict":
            return {"+": "good", "-": "bad", "0": "not-applicable"}.get(typed, typed)
        return {key: value for value, _label, key in prompt.choices if key}.get(typed, typed)

    async def _line(self) -> str:
        """One line, without holding the loop: the prompt may be taken away while it is typed."""
        if self._lines is None:
            lines = asyncio.StreamReader()
            await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
            self._lines = lines
        return (await self._lines.readline()).decode("utf-8", "replace").strip()
