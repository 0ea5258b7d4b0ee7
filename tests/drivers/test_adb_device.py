"""The Android driver through the real adb server against simulated phones: what works, and every way it goes wrong.

The faults are those that adbutils 2.12.0 met with hanging, waiting too long, or taking a stump for the whole answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from adb_bench import AdbBench, adb_bench

from drivers.adb import AdbDevice
from drivers.adb_server import port_owner
from drivers.api import (
    Command,
    CommandResult,
    DeviceGone,
    DriverError,
    Files,
    Garbled,
    InputEvents,
    LinkState,
    NoAnswer,
    NotAuthorized,
    OutputCut,
    Refused,
    Reverse,
    SelfTestPage,
    ServerDown,
    Shell,
    Side,
    TooMuchOutput,
    Unsupported,
)
from drivers.sim.bench import Fault, FaultKind

#: No fault may make an operation outlive its deadline by more; half a second, on a machine that others load as well.
OVERRUN_S = 0.5


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[AdbBench]:
    async with adb_bench(tmp_path) as bench:
        yield bench


@pytest.fixture
async def device(bench: AdbBench) -> AsyncIterator[AdbDevice]:
    device = await bench.open()
    yield device
    await device.close()


@pytest.fixture
def shell(device: AdbDevice) -> Shell:
    return device.capability(Shell)  # type: ignore[type-abstract]


@pytest.fixture
def files(device: AdbDevice) -> Files:
    return device.capability(Files)  # type: ignore[type-abstract]


@pytest.fixture
async def old(tmp_path: Path) -> AsyncIterator[tuple[AdbBench, AdbDevice]]:
    """A phone before Android 7: no shell v2, 4 kB payloads, toolbox."""
    async with adb_bench(tmp_path, ["android5"]) as bench:
        device = await bench.open()
        yield bench, device
        await device.close()


def explained(error: DriverError | None, kind: type[DriverError]) -> DriverError:
    """The error, which must be of that class and say everything in both languages."""
    assert type(error) is kind
    assert all([error.what.en, error.what.zh, error.next_step.en, error.next_step.zh, error.code.startswith("adb.")])
    assert re.search(r"[\u4e00-\u9fff]", error.what.zh)
    return error


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that a simulated phone does by itself."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - the phone raises no event
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def in_time(deadline_s: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < deadline_s + OVERRUN_S


# -- what works -------------------------------------------------------------------------------------------------------


async def test_a_command_comes_back_with_output_error_and_exit_code(shell: Shell) -> None:
    result = await shell.run("echo out; echo err >&2; exit 3", deadline_s=10)
    assert (result.stdout, result.stderr, result.exit_code, result.failure) == (b"out\n", b"err\n", 3, None)
    assert 0 < result.seconds < 10


async def test_exec_bytes_are_not_touched(shell: Shell) -> None:
    result = await shell.run(r"printf '\0\r\n\377'", deadline_s=10)
    assert result.stdout == b"\0\r\n\xff"


async def test_a_batch_is_one_open_with_separate_answers(bench: AdbBench, shell: Shell) -> None:
    before = bench.phone.opens_count
    commands = [Command(f"c{n}", f"echo {n}; echo e{n} >&2; exit {n}") for n in range(40)]
    results = await shell.batch(commands, deadline_s=20)
    assert bench.phone.opens_count == before + 1
    assert [(r.name, r.stdout, r.stderr, r.exit_code) for r in results] == [
        (f"c{n}", b"%d\n" % n, b"e%d\n" % n, n) for n in range(40)
    ]
    starts = [r.started_s for r in results]
    assert starts == sorted(starts)
    assert all(r.failure is None for r in results)


async def test_an_empty_batch_asks_nothing(bench: AdbBench, shell: Shell) -> None:
    before = bench.phone.opens_count
    assert await shell.batch([], deadline_s=1) == []
    assert bench.phone.opens_count == before


async def test_the_phone_says_who_it_is(bench: AdbBench, device: AdbDevice) -> None:
    identity = await device.identify(deadline_s=10)
    assert identity.serial == bench.phone.serial
    assert identity.model == bench.phone.persona.model.model
    assert identity.manufacturer == bench.phone.persona.model.manufacturer
    assert identity.os_version == bench.phone.persona.android.release
    assert device.link.simulated


async def test_a_file_goes_to_the_phone_and_comes_back_whole(files: Files) -> None:
    data = os.urandom(300_000)
    await files.push("/data/local/tmp/assay.bin", data, deadline_s=20)
    assert await files.pull("/data/local/tmp/assay.bin", deadline_s=20, limit=1_000_000) == data


async def test_a_file_over_the_limit_is_refused_before_it_is_read(files: Files) -> None:
    await files.push("/data/local/tmp/big", b"x" * 5000, deadline_s=20)
    with pytest.raises(TooMuchOutput):
        await files.pull("/data/local/tmp/big", deadline_s=20, limit=4999)


@pytest.mark.parametrize("path", ["/data/local/tmp/none", "/data/local/tmp", "relative", "/" + "x" * 2000, "/a\0b"])
async def test_what_is_no_file_is_refused_with_its_name(files: Files, path: str) -> None:
    with pytest.raises(Refused) as caught:
        await files.pull(path, deadline_s=10, limit=1000)
    explained(caught.value, Refused)


async def test_a_push_to_a_forbidden_place_is_refused(files: Files) -> None:
    with pytest.raises(Refused) as caught:
        await files.push("/system/bin/assay", b"x", deadline_s=10)
    explained(caught.value, Refused)


async def test_key_presses_arrive_as_events_and_the_stream_ends_at_its_deadline(
    bench: AdbBench, device: AdbDevice, shell: Shell
) -> None:
    inputs = device.capability(InputEvents)  # type: ignore[type-abstract]
    seen: list[tuple[int, int]] = []
    began = time.monotonic()
    async with inputs.events(deadline_s=2.0) as events:
        asyncio.get_running_loop().call_later(0.4, bench.phone.press, "power")
        busy = asyncio.create_task(shell.run("echo beside", deadline_s=5))
        async for event in events:
            if event.type == 1:
                seen.append((event.code, event.value))
        assert (await busy).stdout == b"beside\n"
    assert seen == [(0x74, 1), (0x74, 0)]
    assert 1.9 < time.monotonic() - began < 2.0 + OVERRUN_S


async def test_a_key_pressed_as_soon_as_the_stream_is_there_is_seen(bench: AdbBench, device: AdbDevice) -> None:
    async with device.capability(InputEvents).events(deadline_s=5.0) as events:  # type: ignore[type-abstract]
        bench.phone.press("power")
        event = await anext(events)
    assert (event.code, event.value) == (0x74, 1)


async def test_a_cancelled_wait_for_an_event_loses_none(bench: AdbBench, device: AdbDevice) -> None:
    inputs = device.capability(InputEvents)  # type: ignore[type-abstract]
    async with inputs.events(deadline_s=10.0) as events:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await anext(events)
        bench.phone.press("power")
        async with asyncio.timeout(5):
            event = await anext(events)
    assert (event.type, event.code, event.value) == (1, 0x74, 1)


async def test_input_devices_are_described(device: AdbDevice) -> None:
    inputs = device.capability(InputEvents)  # type: ignore[type-abstract]
    described = await inputs.describe(deadline_s=10)
    assert b"/dev/input/event" in described.stdout
    assert described.failure is None


async def test_the_phone_reaches_a_port_of_the_bench_for_as_long_as_it_is_reversed(
    bench: AdbBench, device: AdbDevice
) -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    shell = device.capability(Shell)  # type: ignore[type-abstract]
    reverse = device.capability(Reverse)  # type: ignore[type-abstract]
    async with reverse.reverse(8123, port, deadline_s=10):
        await shell.run("am start -a android.intent.action.VIEW -d http://localhost:8123/page", deadline_s=10)
        await until(lambda: bench.phone.page == "hi")
    assert asked[0].startswith(b"GET /page")
    await shell.run("am start -a android.intent.action.VIEW -d http://localhost:8123/again", deadline_s=10)
    await asyncio.sleep(0.2)
    assert len(asked) == 1
    server.close()


async def test_the_self_test_page_is_offered_and_a_strange_capability_is_not(device: AdbDevice) -> None:
    page = device.capability(SelfTestPage)  # type: ignore[type-abstract]
    assert isinstance(page, SelfTestPage)
    with pytest.raises(Unsupported) as caught:
        device.capability(int)
    explained(caught.value, Unsupported)


async def test_two_operations_on_one_phone_take_turns_and_one_phone_never_waits_for_another(tmp_path: Path) -> None:
    async with adb_bench(tmp_path, ["healthy", "healthy"]) as bench:
        first, second = await bench.open(0), await bench.open(1)
        bench.sim.phones[0].fault = Fault(FaultKind.HANG)
        hung = asyncio.create_task(first.capability(Shell).run("echo x", deadline_s=3.0))  # type: ignore[type-abstract]
        began = time.monotonic()
        well = await second.capability(Shell).run("echo well", deadline_s=5)  # type: ignore[type-abstract]
        assert (well.stdout, hung.done()) == (b"well\n", False)
        assert time.monotonic() - began < 2.5
        queued = await first.capability(Shell).run("echo y", deadline_s=0.3)  # type: ignore[type-abstract]
        assert explained(queued.failure, NoAnswer).code == "adb.busy"
        explained((await hung).failure, NoAnswer)
        await first.close()
        await second.close()


# -- Android before 7 -------------------------------------------------------------------------------------------------


async def test_an_old_phone_gives_exit_codes_and_clean_lines(old: tuple[AdbBench, AdbDevice]) -> None:
    shell = old[1].capability(Shell)  # type: ignore[type-abstract]
    result = await shell.run("echo a; echo b; false", deadline_s=10)
    assert (result.stdout, result.stderr, result.exit_code, result.failure) == (b"a\nb\n", b"", 1, None)


async def test_an_old_phones_standard_error_is_inside_its_output(old: tuple[AdbBench, AdbDevice]) -> None:
    shell = old[1].capability(Shell)  # type: ignore[type-abstract]
    result = await shell.run("echo a; echo b >&2", deadline_s=10)
    assert (result.stdout, result.stderr) == (b"a\nb\n", b"")


async def test_an_old_phone_takes_a_long_batch_in_several_scripts(old: tuple[AdbBench, AdbDevice]) -> None:
    bench, device = old
    before = bench.phone.opens_count
    commands = [Command(f"c{n}", f"getprop ro.serialno; echo {n} of a command that is not short") for n in range(60)]
    results = await device.capability(Shell).batch(commands, deadline_s=30)  # type: ignore[type-abstract]
    assert [r.failure for r in results] == [None] * 60
    assert all(f"{n} of".encode() in r.stdout for n, r in enumerate(results))
    assert 1 < bench.phone.opens_count - before <= 6
    assert [r.started_s for r in results] == sorted(r.started_s for r in results)


async def test_a_command_too_long_for_an_old_phone_fails_alone(old: tuple[AdbBench, AdbDevice]) -> None:
    long, short = (
        await old[1]
        .capability(Shell)
        .batch(  # type: ignore[type-abstract]
            [Command("long", "echo " + "x" * 6000), Command("short", "echo short")], deadline_s=10
        )
    )
    explained(long.failure, Unsupported)
    assert (short.stdout, short.failure) == (b"short\n", None)


async def test_where_exec_is_refused_a_terminals_line_ends_are_undone(old: tuple[AdbBench, AdbDevice]) -> None:
    bench, device = old
    device.capability(Shell)._exec_refused = True  # type: ignore[type-abstract,attr-defined]
    first, second = await device.capability(Shell).batch(  # type: ignore[type-abstract]
        [Command("a", "echo one; echo two"), Command("b", "false")], deadline_s=10
    )
    assert (first.stdout, second.exit_code, first.failure) == (b"one\ntwo\n", 1, None)
    assert bench.phone.opens[-1].service.startswith("shell:")


async def test_an_old_phones_cut_output_is_not_taken_for_whole(old: tuple[AdbBench, AdbDevice]) -> None:
    bench, device = old
    bench.phone.fault = Fault(FaultKind.CUT, after_bytes=60)
    result = await device.capability(Shell).run("getprop", deadline_s=10)  # type: ignore[type-abstract]
    explained(result.failure, OutputCut)
    assert result.exit_code is None


async def test_an_old_phones_keys_arrive_over_its_terminal(old: tuple[AdbBench, AdbDevice]) -> None:
    bench, device = old
    async with device.capability(InputEvents).events(deadline_s=8.0) as events:  # type: ignore[type-abstract]
        asyncio.get_running_loop().call_later(0.3, bench.phone.press, "power")
        event = await anext(events)
    assert (event.code, event.value) == (0x74, 1)


async def test_an_old_phones_files_are_checked_with_md5(old: tuple[AdbBench, AdbDevice]) -> None:
    files = old[1].capability(Files)  # type: ignore[type-abstract]
    await files.push("/data/local/tmp/old", b"old" * 1000, deadline_s=10)
    assert await files.pull("/data/local/tmp/old", deadline_s=10, limit=10_000) == b"old" * 1000


# -- every fault, by command and by batch -----------------------------------------------------------------------------


async def both(shell: Shell, script: str, deadline_s: float) -> list[CommandResult]:
    """The same as a command of its own and as a batch, each within the deadline."""
    with in_time(deadline_s):
        alone = await shell.run(script, deadline_s=deadline_s)
    with in_time(deadline_s):
        (batched,) = await shell.batch([Command("x", script)], deadline_s=deadline_s)
    return [alone, batched]


async def test_an_unanswered_open_ends_at_the_deadline(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.HANG)
    for result in await both(shell, "echo x", 0.6):
        assert explained(result.failure, NoAnswer).side is Side.PHONE
        assert (result.stdout, result.exit_code) == (b"", None)


async def test_a_dribble_does_not_outlive_the_deadline(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.DRIBBLE, seconds=0.01)
    for result in await both(shell, "getprop", 0.6):
        explained(result.failure, NoAnswer)
        assert result.exit_code is None


async def test_output_that_stops_in_the_middle_ends_at_the_deadline(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.HANG, after_bytes=300)
    for result in await both(shell, "getprop", 0.6):
        explained(result.failure, NoAnswer)


async def test_cut_output_is_never_whole(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.CUT, after_bytes=60)
    alone, batched = await both(shell, "getprop", 5.0)
    for result in (alone, batched):
        assert explained(result.failure, OutputCut).side is Side.PHONE
        assert result.exit_code is None
    assert 0 < len(alone.stdout) <= 60


async def test_a_missing_exit_packet_makes_the_answer_not_whole(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.NO_EXIT)
    result = await shell.run("echo x", deadline_s=5)
    explained(result.failure, OutputCut)
    assert result.stdout == b"x\n"
    (batched,) = await shell.batch([Command("x", "echo x")], deadline_s=5)
    assert (batched.stdout, batched.exit_code, batched.failure) == (b"x\n", 0, None)  # its end mark is proof enough


async def test_an_exit_code_is_reported_as_it_came(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.EXIT_CODE, exit_code=42)
    result = await shell.run("echo x", deadline_s=5)
    assert (result.exit_code, result.failure) == (42, None)


async def test_a_cut_that_fakes_a_good_end_does_not_fake_a_batchs_answer(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.CUT, after_bytes=100, exit_code=0)
    commands = [Command("a", "echo a"), Command("b", "getprop"), Command("c", "echo c")]
    results = await shell.batch(commands, deadline_s=5)
    assert isinstance(results[-1].failure, OutputCut)
    assert results[-1].exit_code is None


async def test_garbage_is_called_garbage(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.GARBAGE, after_bytes=40)
    for result in await both(shell, "getprop", 5.0):
        assert type(result.failure) in (Garbled, OutputCut, NoAnswer)
        explained(result.failure, type(result.failure))
        assert result.exit_code is None


async def test_a_flood_is_cut_off_and_costs_no_memory(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.FLOOD, size=100 * 1024 * 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with in_time(10.0):
        result = await shell.run("echo x", deadline_s=10.0, limit=1000)
    explained(result.failure, TooMuchOutput)
    assert len(result.stdout) == 1000
    with in_time(10.0):
        (batched,) = await shell.batch([Command("x", "echo x", limit=1000)], deadline_s=10.0)
    assert batched.failure is not None
    assert len(batched.stdout) <= 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


async def test_one_flooding_command_spoils_only_its_own_answer(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.FLOOD, command="dumpsys battery", size=20 * 1024 * 1024)
    commands = [Command("a", "echo a"), Command("flood", "dumpsys battery", limit=1000), Command("c", "echo c")]
    first, flood, last = await shell.batch(commands, deadline_s=30)
    assert (first.stdout, last.stdout, first.failure, last.failure) == (b"a\n", b"c\n", None, None)
    explained(flood.failure, TooMuchOutput)
    assert len(flood.stdout) == 1000


async def test_one_hanging_command_spoils_only_its_own_answer(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.HANG, command="dumpsys battery")
    commands = [
        Command("a", "echo a"),
        Command("stuck", "dumpsys battery", timeout_s=0.5),
        Command("c", "getprop ro.serialno"),
    ]
    first, stuck, last = await shell.batch(commands, deadline_s=15)
    assert explained(stuck.failure, NoAnswer).code == "adb.command-overran"
    assert (first.stdout, first.failure, last.failure) == (b"a\n", None, None)
    assert last.stdout.strip().decode() == bench.phone.serial


async def test_a_cable_pulled_in_the_middle_keeps_the_answers_before_it(bench: AdbBench, shell: Shell) -> None:
    asyncio.get_running_loop().call_later(0.5, bench.phone.unplug)
    commands = [Command("a", "echo a"), Command("b", "echo half; sleep 5"), Command("c", "echo c")]
    with in_time(2.0):
        first, cut, never = await shell.batch(commands, deadline_s=10)
    assert (first.stdout, first.exit_code, first.failure) == (b"a\n", 0, None)
    assert explained(cut.failure, DeviceGone).side is Side.CABLE
    assert (cut.stdout, cut.exit_code) == (b"half\n", None)
    assert (never.stdout, type(never.failure)) == (b"", DeviceGone)


async def test_a_cable_pulled_during_a_command_is_the_cables_fault(bench: AdbBench, shell: Shell) -> None:
    asyncio.get_running_loop().call_later(0.3, bench.phone.unplug)
    with in_time(1.0):
        result = await shell.run("echo half; sleep 5", deadline_s=10)
    assert explained(result.failure, DeviceGone).side is Side.CABLE
    assert result.stdout == b"half\n"


async def test_a_phone_that_is_gone_is_gone_at_once(bench: AdbBench, shell: Shell) -> None:
    bench.phone.unplug()
    await bench.link(state=LinkState.OFFLINE)
    with in_time(0.5):
        result = await shell.run("echo x", deadline_s=10)
    explained(result.failure, DeviceGone)


async def test_a_flap_in_the_middle_is_a_gone_phone_not_a_short_answer(bench: AdbBench, shell: Shell) -> None:
    bench.phone.fault = Fault(FaultKind.FLAP, after_bytes=100, seconds=0.3)
    result = await shell.run("getprop", deadline_s=10)
    assert isinstance(result.failure, DeviceGone | OutputCut)
    assert result.exit_code is None


async def test_a_killed_server_is_the_benchs_fault(bench: AdbBench, shell: Shell) -> None:
    child = bench.server._child
    assert child is not None
    asyncio.get_running_loop().call_later(0.3, child.kill)
    with in_time(2.0):
        result = await shell.run("echo half; sleep 5", deadline_s=10)
    assert explained(result.failure, result.failure.__class__).code in ("adb.server-away", "adb.gone")
    assert isinstance(result.failure, ServerDown | DeviceGone)


async def test_cancelling_frees_the_phone_at_once(bench: AdbBench, shell: Shell) -> None:
    task = asyncio.create_task(shell.run("sleep 20", deadline_s=30))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await shell.run("echo free", deadline_s=5)).stdout == b"free\n"
    assert time.monotonic() - began < 3.0


async def test_closing_the_device_frees_whoever_waits_for_it(device: AdbDevice, shell: Shell) -> None:
    task = asyncio.create_task(shell.run("sleep 20", deadline_s=30))
    await asyncio.sleep(0.3)
    await device.close()
    with in_time(1.0):
        assert explained((await task).failure, DeviceGone).code == "adb.closed"
    explained((await shell.run("echo x", deadline_s=5)).failure, DeviceGone)


async def test_a_mute_phone_is_no_identity(bench: AdbBench, device: AdbDevice) -> None:
    bench.phone.fault = Fault(FaultKind.HANG)
    with in_time(1.0), pytest.raises(NoAnswer):
        await device.identify(deadline_s=1.0)


# -- files under faults -----------------------------------------------------------------------------------------------


async def test_a_file_that_stops_coming_ends_at_the_deadline(bench: AdbBench, files: Files) -> None:
    await files.push("/data/local/tmp/f", b"x" * 200_000, deadline_s=20)
    bench.phone.fault = Fault(FaultKind.HANG, service="sync:", after_bytes=5000)
    with in_time(1.0), pytest.raises(NoAnswer):
        await files.pull("/data/local/tmp/f", deadline_s=1.0, limit=1_000_000)


async def test_a_cut_file_is_not_a_short_file(bench: AdbBench, files: Files) -> None:
    await files.push("/data/local/tmp/f", b"x" * 200_000, deadline_s=20)
    bench.phone.fault = Fault(FaultKind.CUT, service="sync:", after_bytes=5000)
    with pytest.raises(DriverError) as caught:
        await files.pull("/data/local/tmp/f", deadline_s=10, limit=1_000_000)
    explained(caught.value, OutputCut)


async def test_a_cut_in_the_first_word_of_a_file_is_caught(bench: AdbBench, files: Files) -> None:
    bench.phone.fault = Fault(FaultKind.CUT, service="sync:", after_bytes=7)
    with pytest.raises(OutputCut):
        await files.pull("/data/local/tmp/f", deadline_s=10, limit=1_000_000)


async def test_changed_bytes_in_a_file_do_not_pass(bench: AdbBench, files: Files) -> None:
    await files.push("/data/local/tmp/f", b"x" * 40_000, deadline_s=20)
    bench.phone.fault = Fault(FaultKind.GARBAGE, service="sync:", after_bytes=2000)
    with pytest.raises(DriverError) as caught:
        await files.pull("/data/local/tmp/f", deadline_s=5, limit=1_000_000)
    explained(caught.value, Garbled)


# -- links ------------------------------------------------------------------------------------------------------------


async def test_an_unauthorised_phone_says_what_to_tap_and_works_after_the_tap(tmp_path: Path) -> None:
    async with adb_bench(tmp_path, ["unauthorised"]) as bench:
        link = await bench.link(state=LinkState.UNAUTHORIZED)
        with pytest.raises(NotAuthorized) as caught:
            await bench.transport.open(link)
        assert "Allow" in explained(caught.value, NotAuthorized).next_step.en
        await until(lambda: bench.phone.asking is not None)
        bench.phone.allow()
        device = await bench.open()
        assert (await device.identify(deadline_s=10)).serial == bench.phone.serial
        await device.close()


async def test_one_phone_reached_twice_is_two_links_with_one_serial_of_its_own(bench: AdbBench) -> None:
    await bench.server.connect(bench.phone.address.replace("127.0.0.1", "localhost"))
    async with contextlib.aclosing(bench.transport.watch()) as lists:  # type: ignore[type-var]
        async for links in lists:
            if len(links) == 2 and all(link.state.usable for link in links):
                break
    serials = set()
    for link in links:
        device = await bench.transport.open(link)
        serials.add((await device.identify(deadline_s=10)).serial)
        await device.close()
    assert serials == {bench.phone.serial}
    assert len({link.key for link in links}) == 2


async def test_a_link_that_is_gone_cannot_be_opened(bench: AdbBench) -> None:
    link = await bench.link()
    await bench.server.disconnect(bench.phone.address)
    with pytest.raises(DriverError) as caught:
        await bench.transport.open(link)
    explained(caught.value, DeviceGone)


async def test_after_a_restart_of_the_server_no_phone_answers_for_its_neighbour(tmp_path: Path) -> None:
    """The next server counts its phones from 1 again, in the order in which they come."""
    async with adb_bench(tmp_path, ["healthy", "worn-battery"]) as bench:
        links = [await bench.link(number) for number in range(2)]
        opened = [await bench.transport.open(link) for link in links]
        owner = port_owner(bench.server.address.port)
        assert owner is not None
        os.kill(owner.pid, signal.SIGKILL)
        await until(lambda: bench.server.trouble is not None)
        await bench.server.ready()
        again = [await bench.link(number) for number in range(2)]
        assert not {link.key for link in links} & {link.key for link in again}
        for device in opened:
            shell = device.capability(Shell)  # type: ignore[type-abstract]
            result = await shell.run("getprop ro.serialno", deadline_s=5)
            explained(result.failure, ServerDown)
            assert result.stdout == b""
            with pytest.raises(ServerDown):
                await device.identify(deadline_s=5)
            await device.close()
        for number, phone in enumerate(bench.sim.phones):
            anew = await bench.open(number)
            assert (await anew.identify(deadline_s=10)).serial == phone.serial
            await anew.close()


async def test_many_phones_answer_side_by_side(tmp_path: Path) -> None:
    async with adb_bench(tmp_path, ["healthy"] * 16) as bench:
        devices = [await bench.open(number) for number in range(16)]
        identities = await asyncio.gather(*(device.identify(deadline_s=30) for device in devices))
        assert [identity.serial for identity in identities] == [phone.serial for phone in bench.sim.phones]
        for device in devices:
            await device.close()
