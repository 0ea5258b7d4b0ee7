"""kill -9 of the screen, on a terminal of its own, while a run waits for a person: the engine and the run go on."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import random
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from drivers.text import Words
from probes.api import Measurement, Prompt, PromptKind
from station import messages as m
from station.client import Client
from station.errors import Trouble
from station.journal import load
from station.session import fold
from tests.station.station_bench import (
    GOOD_LIMIT,
    ORDINARY,
    Cabinet,
    Phone,
    check,
    declared,
    enrol,
    holds,
    probes,
    running,
    send,
    signed,
    until,
    until_session,
    write_checklist,
)

#: What is waited for on the screen, and the key that is pressed then: slot 1, "good", the first person, "good". The
#: question itself also stands in the list of what waits, so its page is known by its last line.
STEPS = (("Phone 1", "1"), ("Enter is never a verdict", "+"), ("Inspector", "\r"), ("(inspector", "+"))
ROUNDS = 6
_SEQUENCES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A screen on a pseudo terminal; what it paints is read and thrown away, as a terminal would."""

    def __init__(self, data: Path) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 160, 0, 0))
        environ = {**os.environ, "ASSAY_LANG": "en", "TERM": "xterm-256color", "COLUMNS": "160", "LINES": "45"}
        arguments = [sys.executable, "-m", "station.cli", "--data", str(data)]
        self.process = subprocess.Popen(
            arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, start_new_session=True
        )
        os.close(theirs)
        self._seen = b""
        asyncio.get_running_loop().add_reader(self._ours, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self._seen += os.read(self._ours, 1 << 16)
            return
        asyncio.get_running_loop().remove_reader(self._ours)  # the screen is gone, and its side with it

    @property
    def text(self) -> str:
        """What was painted since the last key, as characters."""
        return _SEQUENCES.sub(b"", self._seen).decode("utf-8", "replace")

    async def see(self, text: str) -> None:
        """Wait until it was painted since the last key."""
        try:
            await holds(lambda: text in self.text, 40)
        except TimeoutError:
            raise AssertionError(f"{text!r} never came: {self.text}") from None

    def press(self, keys: str) -> None:
        self._seen = b""
        with contextlib.suppress(OSError):
            os.write(self._ours, keys.encode())

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self.process.wait)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)


@contextlib.contextmanager
def terminal(data: Path) -> Iterator[Terminal]:
    made = Terminal(data)
    try:
        yield made
    finally:
        made.process.kill()
        made.process.wait()
        made.close()


async def patient(bench: Any) -> AsyncIterator[Any]:
    """Asks a person, and gives a slow machine time to start a screen."""
    answer = await bench.person.ask(
        Prompt("look", PromptKind.VERDICT, Words("Is it good?", "是否良好？"), timeout_s=120.0)
    )
    yield Measurement("good", answer.value == "good", "person")


async def one_screen(data: Path, chance: random.Random) -> None:
    """A screen that is killed somewhere between its start and the answer that it was about to send."""
    last = chance.randrange(len(STEPS) + 1)
    with terminal(data) as screen:
        for text, keys in STEPS[:last]:
            await screen.see(text)
            screen.press(keys)
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        await screen.kill()


async def test_screens_killed_at_random_moments_of_a_run_lose_nothing_and_invent_nothing(tmp_path: Path) -> None:
    station = await enrol(tmp_path / "data", pin="correct horse")
    question = check("look", "test.patient", "deadline_s = 150\nperson = true\n" + GOOD_LIMIT, "hard")
    checklist = write_checklist(tmp_path, (*ORDINARY[:2], question))
    loaded = probes(declared("test.patient", patient, needs=(), measures={"good": "flag"}, asks=True))
    chance = random.Random(3)
    async with running(station, Cabinet(Phone(answers={"cat level": "80\n"})), loaded=loaded) as (engine, client):
        await until(client, lambda bench: bench.cards and bench.cards[0].status == "ready")
        opened = await send(client, m.Intake(slot=1, complaint="slow", person="tech"))
        about: dict[str, Any] = {"target": opened["record"], "person": "tech", "role": "technician"}
        await signed(station, client, "tech", m.PrepareSignoff(**about, meaning="performed"))
        await send(client, m.Watch(slot=1))
        answered = 0
        for _ in range(ROUNDS):
            about = {"ticket": opened["ticket"], "checklist": str(checklist), "stage": "self-check", "person": "tech"}
            run = (await send(client, m.StartRun(slot=1, **about)))["run"]
            await asked(client, run)
            await one_screen(station.data, chance)
            answered += await finish(client, run)
            by_screen = fold(await engine.store.read(lambda db: load(db, ticket=opened["ticket"]))).runs[run]
            ends = [(attempt.check, attempt.ended and attempt.ended.verdict.value) for attempt in by_screen.attempts]
            assert ends == [("battery", "pass"), ("shelf", "pass"), ("look", "pass")]
        assert 0 < answered < ROUNDS, "every screen was killed on the same side of its answer: the test proves little"


async def asked(client: Client, run: str) -> None:
    await until_session(client, lambda view: view.run and view.run.run == run and view.prompt)


async def finish(client: Client, run: str) -> bool:
    """Answer what the killed screen left open; back comes whether it had left anything."""
    view = await until_session(
        client, lambda view: view.run.run == run and (view.prompt or view.run.state == "finished")
    )
    left_open = view.prompt is not None
    if view.prompt:
        about = {"slot": 1, "attempt": view.prompt.attempt, "prompt": view.prompt.id, "person": "tech"}
        try:
            await send(client, m.AnswerPrompt(**about, value="good"))
        except Trouble as trouble:  # the screen's answer had arrived; it is the one that counts
            if trouble.code != "prompt.gone":
                raise
            left_open = False
    await until_session(client, lambda view: view.run.run == run and view.run.state == "finished")
    return left_open
