"""A batch tells each answer as soon as it is whole, and every fault leaves each command with one result."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.adb_script import BatchReader, compose
from drivers.api import Command, CommandResult, Shell
from drivers.sim.bench import Fault, FaultKind
from tests.drivers.adb_bench import adb_bench

LINES = ("getprop ro.product.model", "dumpsys battery", "getprop ro.build.id")


def commands(timeout_s: float = 1.0) -> list[Command]:
    return [Command(f"c{number}", line, timeout_s=timeout_s) for number, line in enumerate(LINES)]


@given(st.lists(st.integers(0, 400), max_size=12), st.booleans())
def test_answers_told_early_are_those_told_in_the_end_however_the_stream_is_cut(cuts: list[int], stderr: bool) -> None:
    script = compose(commands(), stderr=stderr)
    out = b"noise\n" + script.header + b" 0 1.0\n"
    err = script.header + b"\n"
    for number, mark in enumerate(script.marks):
        out += b"answer %d\n" % number + mark + b" %d 1.%d\n" % (number, number)
        err += b"said %d\n" % number + mark + b"\n"
    reader, early = BatchReader(script), list[tuple[int, CommandResult]]()
    for at, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(out) + len(err)], strict=True):
        for stream, data in ((1, out), (2, err)) if stderr else ((1, out),):
            reader.feed(stream, data[at:end])
        early += reader.whole(base_s=0.0, wall_s=9.0, crlf=False)
    assert reader.complete
    assert [at for at, _ in early] == [0, 1, 2]
    assert [result for _, result in early] == reader.results(None, base_s=0.0, wall_s=9.0, crlf=False)


@pytest.mark.parametrize("persona", ["healthy", "android5"])
async def test_what_was_heard_early_is_what_the_batch_gives(tmp_path: Path, persona: str) -> None:
    heard: list[tuple[int, CommandResult]] = []
    async with adb_bench(tmp_path, [persona]) as bench:
        bench.phone.work_ms = 20.0
        shell = (await bench.open()).capability(Shell)
        got = await shell.batch(commands(10.0), deadline_s=20, heard=lambda at, result: heard.append((at, result)))
    assert [(at, result.stdout, result.exit_code) for at, result in heard] == [
        (at, result.stdout, result.exit_code) for at, result in enumerate(got)
    ]


@pytest.mark.parametrize("where", [{"service": "^(shell|exec)"}, {"command": "battery"}])
@pytest.mark.parametrize("kind", list(FaultKind))
async def test_each_command_has_one_result_in_every_fault_and_the_phone_can_be_asked_again(
    tmp_path: Path, kind: FaultKind, where: dict[str, str]
) -> None:
    async with adb_bench(tmp_path) as bench:
        shell = (await bench.open()).capability(Shell)
        bench.phone.fault = Fault(kind, **where, seconds=0.5, after_bytes=40, size=8_000_000, exit_code=7, times=1)
        got = await shell.batch(commands(), deadline_s=1.0)
        assert [result.name for result in got] == ["c0", "c1", "c2"]
        assert all(result.failure is not None or result.exit_code is not None for result in got)
        bench.phone.fault = None
        again = (await bench.open()).capability(Shell)
        assert all(result.failure is None for result in await again.batch(commands(10.0), deadline_s=20))
