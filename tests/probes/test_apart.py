"""Long answers of probes that wait: read beside the loop, and by patterns that no text drives mad."""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import re
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from re import _constants as sre  # type: ignore[attr-defined]  # what a pattern is made of; nothing public tells it
from re import _parser as sre_parser  # type: ignore[attr-defined]
from types import FunctionType
from typing import Any

import pytest
from probe_bench import LOADED, ScriptedBench, no_answer, result

from drivers.api import Command, CommandResult, DriverError
from probes.answers import hear, hear_apart, hear_live_apart, hear_second_apart
from probes.apart import LONG, TURN_S, VERY_LONG, apart
from probes.api import Bench, Parsed, Probe
from probes.captured import raw_lines
from probes.telephony import features_of

READ = Command("read", "dumpsys thing")


def counted(data: bytes) -> Parsed:
    """How many bytes there are, and in which thread somebody looked."""
    return Parsed({"bytes": len(data), "thread": threading.get_ident()})


def bench(answer: CommandResult) -> Any:
    return ScriptedBench({READ.name: answer})


# --- where it is read ------------------------------------------------------------------------------------------------


async def test_a_short_answer_is_read_at_once_and_a_long_one_in_another_thread() -> None:
    here = threading.get_ident()
    assert (await apart(counted, b"x" * (LONG - 1))).facts == {"bytes": LONG - 1, "thread": here}
    assert (await apart(counted, b"x" * LONG)).facts["thread"] != here
    assert await apart(lambda one, other: threading.get_ident(), b"x" * (LONG // 2), b"y" * LONG) != here


async def test_who_reads_in_a_thread_gives_the_loop_its_turn_soon() -> None:
    for size in (LONG, VERY_LONG):
        await apart(len, b"x" * size)
        assert sys.getswitchinterval() == pytest.approx(TURN_S)


async def test_who_is_cancelled_does_not_wait_for_the_thread_and_what_was_not_begun_is_not_read() -> None:
    begun, go_on, read = threading.Event(), threading.Event(), list[bytes]()

    def slow(data: bytes) -> None:
        begun.set()
        go_on.wait(30)

    first = asyncio.ensure_future(apart(slow, b"x" * LONG))
    second = asyncio.ensure_future(apart(read.append, b"y" * LONG))
    assert await asyncio.to_thread(begun.wait, 30)
    for each in (first, second):
        each.cancel()
    ended = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError, asyncio.CancelledError]
    assert not go_on.is_set()
    go_on.set()
    assert await apart(len, b"z" * LONG) == LONG
    assert not read


async def test_what_most_phones_say_does_not_wait_behind_a_very_long_answer() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(data: bytes) -> int:
        begun.set()
        go_on.wait(30)
        return len(data)

    longest = asyncio.ensure_future(apart(slow, b"x" * VERY_LONG))
    assert await asyncio.to_thread(begun.wait, 30)
    assert await apart(len, b"y" * (VERY_LONG - 1)) == VERY_LONG - 1
    assert not longest.done()
    go_on.set()
    assert await longest == VERY_LONG


async def test_an_error_in_the_thread_comes_out_of_it() -> None:
    def broken(data: bytes) -> None:
        raise LookupError("a fault of the parser")

    with pytest.raises(LookupError, match="a fault of the parser"):
        await apart(broken, b"x" * LONG)


async def test_what_is_heard_apart_is_what_is_heard_at_once() -> None:
    long = result(b"x" * LONG)
    here = threading.get_ident()
    for heard in (
        await hear_apart(bench(long), READ, counted),
        await hear_second_apart(bench(long), READ, counted),
        await hear_live_apart(long, counted, READ.script),
    ):
        assert (heard.source, heard.get("bytes")) == ("dumpsys thing", LONG)
        assert heard.get("thread") != here
    broken = bench(result(b"x" * LONG, failure=no_answer()))
    with pytest.raises(DriverError):
        await hear_apart(broken, READ, counted)
    assert (await hear_second_apart(broken, READ, counted)).reason("bytes").en == "no answer → replug"
    cut = result(b"x" * LONG + b"\n*** SERVICE 'thing' DUMP TIMEOUT (10s) EXPIRED ***\n")
    assert "did not answer its own dump" in (await hear_live_apart(cut, counted, "thing")).reason("bytes").en


# --- who reads what --------------------------------------------------------------------------------------------------

#: What reads all of an answer, however long it is.
READERS = frozenset(
    ("hear", "hear_second", "hear_live", "text_of", "plain_text", "raw_lines", "stripped_lines", "cut_line")
)
#: Functions that read at once what they read, and why they may.
BOUNDED = {
    "why_nothing": "the beginning alone",
    "_unfinished": "the end alone",
    "airplane_mode": "4 KB at most",
    "_pads": "4 KB at most",
    "_is_off": "4 KB at most",
    "_said": "4 KB at most",
    "_states": "4 KB at most",
    "_hash_is_right": "4 KB at most",
}


def functions() -> Iterator[FunctionType]:
    """Every function and method of the probes."""
    for name, module in sorted(sys.modules.items()):
        for one in vars(module).values() if name.startswith("probes.") else ():
            if isinstance(one, FunctionType | type) and one.__module__ == name:
                yield from (each for each in (one, *vars(one).values()) if isinstance(each, FunctionType))


@functools.cache
def nodes(function: FunctionType) -> list[ast.AST]:
    """What it is made of, without what it leaves to others to call."""
    found: list[ast.AST] = []
    left: list[ast.AST] = [ast.parse(textwrap.dedent(inspect.getsource(function)))]
    while left:
        found.append(left.pop())
        left += [each for each in ast.iter_child_nodes(found[-1]) if not isinstance(each, ast.Lambda)]
    return found


def waits(function: FunctionType) -> bool:
    """Whether it runs in the loop: a coroutine, or a generator that awaits."""
    if inspect.iscoroutinefunction(function):
        return True
    awaiting = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    return inspect.isasyncgenfunction(function) and any(isinstance(node, awaiting) for node in nodes(function))


def called(function: FunctionType, what: ast.expr) -> object:
    """What a call in it calls, as far as its module says."""
    names = function.__globals__
    if isinstance(what, ast.Name):
        return names.get(what.id)
    if isinstance(what, ast.Attribute) and isinstance(what.value, ast.Name):
        owner = function.__qualname__.partition(".")[0] if what.value.id == "self" else what.value.id
        return inspect.getattr_static(names.get(owner), what.attr, None)
    return None


@functools.cache
def reads(function: FunctionType) -> str:
    """What in it reads all of an answer at once; empty where nothing does."""
    for node in nodes(function) if function.__name__ not in BOUNDED else ():
        if isinstance(node, ast.Attribute) and node.attr == "text":
            return f"{ast.unparse(node)} in {function.__qualname__}"
        if not isinstance(node, ast.Call):
            continue
        # The driver keeps 64 KB of what a command complains about.
        if isinstance(node.func, ast.Attribute) and node.func.attr == "decode" and "stderr" not in ast.unparse(node):
            return f"{ast.unparse(node)} in {function.__qualname__}"
        one = called(function, node.func)
        if isinstance(one, FunctionType) and one.__module__.startswith("probes.") and one is not function:
            if one.__name__ in READERS:
                return f"{one.__name__} in {function.__qualname__}"
            if not waits(one) and (what := reads(one)):
                return what
    return ""


def test_no_probe_that_waits_reads_an_answer_in_the_loop() -> None:
    waiting = [one for one in functions() if waits(one)]
    assert {probe.run for probe in LOADED.probes.values() if probe.waits and is_ours(probe)} <= set(waiting)
    told = [f"{one.__module__}: {what}" for one in waiting if (what := reads(one))]
    assert not told, "read it by hear_apart, hear_second_apart, hear_live_apart or apart (probes/apart.py)"


def is_ours(probe: Probe) -> bool:
    return probe.run.__module__.startswith("probes.")


def test_one_that_does_is_found() -> None:
    async def hears(bench: Bench) -> None:
        await asyncio.sleep(0)
        hear(bench, READ, counted)

    async def takes_the_text(answer: CommandResult) -> str:
        return answer.text

    async def leaves_it_to_others(bench: Bench) -> None:
        features_of(bench.answer(READ.name).stdout)

    async def hears_apart(bench: Bench, answer: CommandResult) -> None:
        await hear_apart(bench, READ, counted)
        await apart(lambda data: raw_lines(data), answer.stdout)

    assert "hear in" in reads(hears)
    assert "answer.text in" in reads(takes_the_text)
    assert "raw_lines in features_of" in reads(leaves_it_to_others)
    assert not reads(hears_apart)


# --- patterns --------------------------------------------------------------------------------------------------------

_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT)


def endless(parts: Any, *, last: bool, again: bool) -> Iterator[str]:
    """Repeats without a bound that something must follow, or that are repeated themselves."""
    every = list(parts)
    for at, (kind, what) in enumerate(every):
        end = last and at == len(every) - 1
        if kind in _REPEATS:
            _, most, inner = what
            if most is sre.MAXREPEAT and (again or not end):
                yield str(inner)
            yield from endless(inner, last=end and most == 1, again=again or most != 1)
        elif kind is sre.BRANCH:
            for branch in what[1]:
                yield from endless(branch, last=end, again=again)
        elif kind is sre.SUBPATTERN:
            yield from endless(what[3], last=end, again=again)
        elif kind in (sre.ASSERT, sre.ASSERT_NOT):
            yield from endless(what[1], last=False, again=again)
        elif kind is sre.ATOMIC_GROUP:
            yield from endless(what, last=end, again=again)


def unbounded(pattern: re.Pattern[Any]) -> list[str]:
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    return list(endless(sre_parser.parse(pattern.pattern, flags), last=True, again=False))


def patterns(value: object, deep: int = 0) -> Iterator[re.Pattern[Any]]:
    """The patterns in a value of a module: it, those of its items, those of its fields."""
    if isinstance(value, re.Pattern):
        yield value
    elif deep < 4 and isinstance(value, tuple | list | set | frozenset):
        for each in value:
            yield from patterns(each, deep + 1)
    elif deep < 4 and isinstance(value, Mapping):
        yield from patterns(tuple(value.values()), deep + 1)
    elif deep < 4 and is_dataclass(value) and not isinstance(value, type):
        yield from patterns(tuple(getattr(value, each.name) for each in fields(value)), deep + 1)


def test_no_text_drives_a_pattern_of_the_probes_mad() -> None:
    """A repeat without a bound stands at the end of its pattern alone: nothing behind it can fail, so that it is never
    tried again with less. What has a bound takes time in proportion to the text, whatever the text is."""
    every = {
        f"{name}.{what}": each
        for name, module in sys.modules.items()
        if name.startswith("probes.")
        for what, value in vars(module).items()
        if not what.startswith("__")
        for each in patterns(value)
    }
    assert len(every) > 200
    assert not {name: each.pattern for name, each in every.items() if unbounded(each)}


@pytest.mark.parametrize("pattern", [r"\s*\s*x", r"(a+)+b", r"a.*b", r"(?:a|b*)c", r"(?:x*,){1,9}", r"a(?=b*c)"])
def test_a_pattern_that_could_be_driven_mad_is_found(pattern: str) -> None:
    assert unbounded(re.compile(pattern))


@pytest.mark.parametrize("pattern", [r"a{1,40}b", r"name=(.*)", r"(?:x(y+)|z(w*))", r"a(?: b(.*))?"])
def test_one_that_could_not_is_none_of_them(pattern: str) -> None:
    assert not unbounded(re.compile(pattern))
