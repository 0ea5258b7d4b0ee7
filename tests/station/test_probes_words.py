"""What a probe says is checked where it comes in: nothing is stored that could not be read again."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from checklists.verdict import Ending, Verdict
from drivers.api import Command, DriverError, Side
from drivers.text import Words
from probes.api import Evidence, Measurement, NotRun, Unread
from station.events import BODY, AttemptEnded, RunFinished
from station.journal import JOURNAL, Journal, load
from station.session import fold
from station.store import Store
from station.vault import VAULT
from tests.station.station_bench import LEVEL_LIMIT, Phone, check, declared
from tests.station.test_runner import Desk, run_checks

READ = Command("level", "cat level", timeout_s=5.0)
HALF = "half a character: \udc80"
WORDS = Words("both", "都有")

#: What no probe may say, and a name for each.
WRONG: dict[str, Any] = {
    "a source that is no text": Measurement("level", Decimal(80), 7),  # type: ignore[arg-type]
    "a source in two languages": Measurement("level", Decimal(80), WORDS),  # type: ignore[arg-type]
    "half a character in a source": Measurement("level", Decimal(80), HALF),
    "a reason in one language": Unread("level", "not said"),  # type: ignore[arg-type]
    "half a character in a reason": Unread("level", Words("en", HALF)),
    "a reason with a number in it": Unread("level", Words("en", 7)),  # type: ignore[arg-type]
    "evidence that is a text": Evidence("raw", "text"),  # type: ignore[arg-type]
    "evidence that may still change": Evidence("raw", bytearray(b"x")),  # type: ignore[arg-type]
    "a name in two languages": Evidence(WORDS, b"x"),  # type: ignore[arg-type]
    "half a character in a media type": Evidence("raw", b"x", HALF),
    "a float": Measurement("level", 80.0),  # type: ignore[arg-type]
    "no reading": "level",
}
RAISED: dict[str, Exception] = {
    "a number in why it was not run": NotRun(Words("en", 7)),  # type: ignore[arg-type]
    "half a character in why it was not run": NotRun(Words(HALF, "zh")),
    "half a character in a driver's error": DriverError("x.y", Words(HALF, ""), Side.PHONE, Words("", "")),
}


def checks() -> tuple[str, ...]:
    return check("one", "test.one", LEVEL_LIMIT), check("two", "test.two", LEVEL_LIMIT)


async def good(bench: Any) -> AsyncIterator[Any]:
    """Says what it should."""
    yield Evidence("raw", b"good")
    yield Measurement("level", Decimal(bench.answer("level").text))


async def told_by(tmp_path: Path, said: Any, *, waits: bool) -> Desk:
    """A run of two checks: the first one's probe says this, or raises it."""

    async def at_once(bench: Any) -> AsyncIterator[Any]:
        if isinstance(said, Exception):
            raise said
        yield said

    async def waiting(bench: Any) -> AsyncIterator[Any]:
        async for one in at_once(bench):
            yield one

    probe = waiting if waits else at_once
    about: dict[str, Any] = {"reads": (READ,), "measures": {"level": "%"}}
    probes = declared("test.one", probe, **about), declared("test.two", good, **about)
    _, desk = await run_checks(tmp_path, checks(), *probes, phone=Phone(answers={"cat level": "80"}))
    return desk


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "waiting"])
@pytest.mark.parametrize("what", [*WRONG, *RAISED])
async def test_a_probe_that_says_what_it_may_not_errs_alone_and_the_run_can_be_read_again(
    tmp_path: Path, what: str, waits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "station.runner")  # the test runner's workers can't pass on half a character
    desk = await told_by(tmp_path, (WRONG | RAISED)[what], waits=waits)
    run = fold(desk.events).runs["r"]
    ended = {attempt.check: attempt.ended for attempt in run.attempts}
    assert {name: end and (end.ending, end.verdict, end.side) for name, end in ended.items()} == {
        "one": (Ending.ERRORED, Verdict.NONE, "bench"),
        "two": (Ending.COMPLETED, Verdict.PASS, None),
    }
    assert not run.active
    assert [BODY.validate_json(BODY.dump_json(each.body)) for each in desk.events] == [e.body for e in desk.events]
    store = Store(tmp_path / "assay.db")
    try:
        await store.migrate([VAULT, JOURNAL])
        stored = await Journal(store).append([one._replace(seq=0) for one in desk.events], desk.evidence)
        assert await store.read(lambda db: load(db)) == stored
    finally:
        store.close()


class Refusing(Desk):
    """A journal that cannot store what one check told, for a fault of the bench's own."""

    async def append(self, events: Any, kept: Any) -> None:
        if any(getattr(each.body, "ending", None) is Ending.COMPLETED for each in events):
            raise TypeError("no such thing can be stored")
        await super().append(events, kept)


async def test_a_run_that_cannot_be_written_down_as_it_is_ends_all_the_same_and_passes_nothing(tmp_path: Path) -> None:
    about: dict[str, Any] = {"reads": (READ,), "measures": {"level": "%"}}
    probes = declared("test.one", good, **about), declared("test.two", good, **about)
    run, desk = await run_checks(tmp_path, checks(), *probes, phone=Phone(answers={"cat level": "80"}), desk=Refusing())
    assert not run.active
    assert {attempt.ended and attempt.ended.ending for attempt in run.attempts} == {Ending.ERRORED}
    assert set(run.verdicts.values()) == {Verdict.NONE}
    assert isinstance(desk.events[-1].body, RunFinished)
    assert all("bench failed" in one.body.reason.en for one in desk.events if isinstance(one.body, AttemptEnded))
