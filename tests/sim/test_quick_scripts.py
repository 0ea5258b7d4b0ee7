"""Scripts that a simulated phone plays without a shell say what its shell says, and what needs a shell gets one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from drivers.adb_script import compose
from drivers.api import Command, CommandResult, Shell
from drivers.sim.bench import Fault, FaultKind
from drivers.sim.quick import understood
from tests.drivers.adb_bench import adb_bench

PROGRAMS = {"dumpsys", "getprop", "cat"}
PLAIN = (
    "getprop ro.product.model",
    "getprop ro.product.model 2>/dev/null",
    "dumpsys no-such-service",
    "dumpsys no-such-service 2>&1",
    "dumpsys 'battery'",
    "cat /sys/class/power_supply/usb/online",
    "cat /data/system/packages.xml",
    'if [ "$(getprop ro.build.version.sdk)" -ge 1 ]; then getprop ro.product.model; fi',
    'if [ "$(getprop ro.build.version.sdk)" -ge 30 ]; then getprop ro.product.model; '
    'elif [ "$(getprop ro.build.version.sdk)" -ge 1 ]; then getprop ro.product.brand; fi',
    'if [ "$(getprop ro.build.version.sdk)" -ge 99 ]; then getprop ro.product.model; fi',
)


def commands(*lines: str, timeout_s: float = 5.0) -> list[Command]:
    return [Command(f"c{number}", line, timeout_s=timeout_s) for number, line in enumerate(lines)]


def told(results: Sequence[CommandResult]) -> list[tuple[str, bytes, bytes, int | None, str]]:
    return [(r.name, r.stdout, r.stderr, r.exit_code, r.failure.code if r.failure else "") for r in results]


@pytest.mark.parametrize("persona", ["healthy", "android5"])
async def test_a_script_of_plain_commands_says_the_same_with_and_without_a_shell(tmp_path: Path, persona: str) -> None:
    async with adb_bench(tmp_path, [persona]) as bench:
        bench.phone.state.battery.plugged = ""
        shell = (await bench.open()).capability(Shell)
        slow = await shell.batch(commands(*PLAIN), deadline_s=20)
        processes = len(bench.phone.sandbox.running)
        bench.phone.quick = True
        quick = await shell.batch(commands(*PLAIN), deadline_s=20)
        assert len(bench.phone.sandbox.running) <= processes, "a shell was started"
        assert told(quick) == told(slow)
        assert all(result.stdout or result.stderr for result in quick[:-1])


async def test_a_phone_tells_who_it_is_without_a_shell(tmp_path: Path) -> None:
    async with adb_bench(tmp_path) as bench:
        slow = await (await bench.open()).identify(deadline_s=10)
        processes = len(bench.phone.sandbox.running)
        bench.phone.quick = True
        assert await (await bench.open()).identify(deadline_s=10) == slow
        assert len(bench.phone.sandbox.running) <= processes


async def test_one_plain_command_without_a_script_is_played_too(tmp_path: Path) -> None:
    async with adb_bench(tmp_path) as bench:
        bench.phone.quick = True
        shell = (await bench.open()).capability(Shell)
        known = await shell.run("getprop ro.product.model", deadline_s=10)
        unknown = await shell.run("dumpsys no-such-service", deadline_s=10)
        assert (known.text.strip(), known.exit_code) == (bench.phone.persona.model.model, 0)
        assert unknown.stderr or unknown.stdout
        assert not bench.phone.sandbox.running


@pytest.mark.parametrize(
    "line",
    [
        "if true; then getprop; fi",
        "getprop | head -1",
        "cat /sys/class/power_supply/*/online",
        "cat $HOME/x",
        "no-such-program",
        "getprop > /dev/null",
        "getprop 'un",
        "getprop; getprop",
        'if [ "$(getprop x)" -ge 1 ]; then getprop; elif [ "$(getprop x)" -ge 1 ]; then no-such-program; fi',
        'if [ "$(getprop x)" -ge 1 ]; then getprop; else getprop; fi',
    ],
)
async def test_what_only_a_shell_understands_gets_one(line: str) -> None:
    assert understood(line, PROGRAMS) is None
    assert understood(compose(commands("getprop", line), stderr=True).text, PROGRAMS) is None


@pytest.mark.parametrize("stderr", [True, False])
def test_every_command_of_a_plain_script_is_understood_with_its_time_and_its_mark(stderr: bool) -> None:
    script = compose(commands("getprop", "dumpsys battery 2>/dev/null", timeout_s=2.5), stderr=stderr)
    found = understood(script.text, PROGRAMS)
    assert found is not None
    assert found.header.encode() == script.header
    assert [step.mark.encode() for step in found.steps] == list(script.marks)
    assert [step.words for step in found.steps] == [("getprop",), ("dumpsys", "battery")]
    assert [(step.timeout_s, step.errors) for step in found.steps] == [(2.5, ""), (2.5, "drop")]
    assert found.marks_errors is stderr


async def test_a_command_that_hangs_is_ended_by_its_watchdog_and_the_next_one_answers(tmp_path: Path) -> None:
    async with adb_bench(tmp_path) as bench:
        bench.phone.quick = True
        bench.phone.fault = Fault(FaultKind.HANG, command="^dumpsys battery")
        shell = (await bench.open()).capability(Shell)
        hung, well = await shell.batch(
            commands("dumpsys battery", "getprop ro.product.model", timeout_s=0.3), deadline_s=20
        )
        assert hung.failure is not None
        assert hung.failure.code == "adb.command-overran"
        assert (well.failure, well.exit_code) == (None, 0)
