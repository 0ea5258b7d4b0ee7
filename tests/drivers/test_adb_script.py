"""Batch scripts in real shells: Android's own (mksh), the system's (dash), and one more that has `read -t` (bash)."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers import adb_errors
from drivers.adb_script import BatchReader, Script, compose, pack
from drivers.api import Command, CommandResult, Garbled, NoAnswer, OutputCut, TooMuchOutput

SHELLS = ["mksh", "dash", "bash"]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"no shell here named {request.param}")
    return str(request.param)


def play(shell: str, commands: Sequence[Command], *, stderr: bool = True) -> list[CommandResult]:
    script = compose(commands, stderr=stderr)
    began = time.monotonic()
    done = subprocess.run(
        [shell, "-c", script.text],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if stderr else subprocess.STDOUT,
        start_new_session=True,
        timeout=30,
        check=False,
    )
    return read(script, done.stdout, done.stderr or b"", wall_s=time.monotonic() - began)


def read(script: Script, out: bytes, err: bytes, *, wall_s: float = 10.0, crlf: bool = False) -> list[CommandResult]:
    reader = BatchReader(script)
    reader.feed(1, out)
    if script.stderr:
        reader.feed(2, err)
    return reader.results(None, base_s=0.0, wall_s=wall_s, crlf=crlf)


def lines(*scripts: str, timeout_s: float = 10.0) -> list[Command]:
    return [Command(f"c{number}", script, timeout_s=timeout_s) for number, script in enumerate(scripts)]


def test_each_command_gets_its_own_output_error_and_exit_code(shell: str) -> None:
    first, second, third = play(shell, lines("echo one", "echo two >&2; false", "echo three; echo drei >&2; exit 9"))
    assert (first.stdout, first.stderr, first.exit_code) == (b"one\n", b"", 0)
    assert (second.stdout, second.stderr, second.exit_code) == (b"", b"two\n", 1)
    assert (third.stdout, third.stderr, third.exit_code) == (b"three\n", b"drei\n", 9)
    assert not any(result.failure for result in (first, second, third))


def test_output_without_a_line_end_and_binary_output_come_back_byte_for_byte(shell: str) -> None:
    first, second = play(shell, lines("printf abc", r"printf '\0\1\377\r\n~~'"))
    assert (first.stdout, second.stdout) == (b"abc", b"\0\1\xff\r\n~~")


@pytest.mark.parametrize(
    "broken", ["echo 'abc", 'echo "', "echo )", "(", "if true", "}", "done", "case", "<<EOF", "`", "$(", "\\", "exit 3"]
)
def test_a_broken_line_breaks_only_itself(shell: str, broken: str) -> None:
    before, _, after = play(shell, lines("echo before", broken, "echo after"))
    assert (before.stdout, after.stdout, after.exit_code) == (b"before\n", b"after\n", 0)


def test_nothing_that_a_command_does_to_its_shell_reaches_the_next_one(shell: str) -> None:
    last = play(
        shell, lines("cd /; set -e; a_K=x; exec >/dev/null", "trap '' TERM; exec 3>&1", "echo $PWD | grep -c .")
    )[-1]
    assert (last.stdout, last.exit_code) == (b"1\n", 0)


@pytest.mark.parametrize(
    "stuck",
    [
        "sleep 30",
        "sleep 30 | cat",
        "while :; do :; done",
        "sh -c 'trap \"\" TERM; sleep 30; sleep 30'",
        "(sleep 30; echo x) & wait",
    ],
)
def test_the_watchdog_ends_a_stuck_command_and_what_it_started_and_the_rest_goes_on(shell: str, stuck: str) -> None:
    began = time.monotonic()
    ended, after = play(shell, [Command("stuck", stuck, timeout_s=0.4), Command("after", "echo after")])
    assert isinstance(ended.failure, NoAnswer)
    assert ended.failure.code == "adb.command-overran"
    assert ended.exit_code is None
    assert 0.3 < ended.seconds < 3.0
    assert (after.stdout, after.failure) == (b"after\n", None)
    assert time.monotonic() - began < 5.0  # nothing is left that would hold the stream open


def test_what_a_stuck_command_said_before_is_kept(shell: str) -> None:
    (ended,) = play(shell, [Command("stuck", "echo head; echo note >&2; sleep 30", timeout_s=0.4)])
    assert ended.stdout == b"head\n"
    assert ended.stderr.startswith(b"note\n")


def test_a_quick_command_after_a_slow_one_has_its_whole_time(shell: str) -> None:
    results = play(shell, lines("sleep 0.3", "sleep 0.3", "sleep 0.3", timeout_s=0.5))
    assert [result.failure for result in results] == [None, None, None]


def test_start_and_duration_are_the_phones_own(shell: str) -> None:
    first, second = play(shell, lines("sleep 0.2", "sleep 0.1"))
    assert 0.15 <= first.seconds < 2.0
    assert 0.05 <= second.seconds < 2.0
    assert second.started_s >= first.seconds * 0.9


def test_a_command_reads_nothing_of_the_script(shell: str) -> None:
    first, second = play(shell, lines("cat", "echo second"))
    assert (first.stdout, second.stdout) == (b"", b"second\n")


def test_a_command_that_prints_the_script_forges_no_mark(shell: str) -> None:
    peek, after = play(shell, lines("cat /proc/$$/cmdline; cat /proc/$$/cmdline >&2", "echo after"))
    assert b"a_n " in peek.stdout
    assert (peek.exit_code, peek.failure) == (0, None)
    assert (after.stdout, after.exit_code) == (b"after\n", 0)


def test_a_background_process_that_keeps_the_stream_open_delays_no_mark(shell: str) -> None:
    script = compose(lines("sleep 5 & echo started", "echo next"), stderr=True)
    with subprocess.Popen(
        [shell, "-c", script.text], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        reader, began = BatchReader(script), time.monotonic()
        while reader._out.done is False:
            reader.feed(1, process.stdout.read1())
        assert time.monotonic() - began < 3.0
        process.kill()


def test_without_a_stream_of_its_own_standard_error_is_inside_the_output(shell: str) -> None:
    first, second = play(shell, lines("echo out; echo err >&2", "echo two"), stderr=False)
    assert (first.stdout, first.stderr) == (b"out\nerr\n", b"")
    assert second.stdout == b"two\n"


def test_framing_costs_far_less_than_a_millisecond_a_command() -> None:
    if shutil.which("mksh") is None:
        pytest.skip("no shell here named mksh")
    script = compose(lines(*[":"] * 200), stderr=True)
    bare = "\n".join(["( : )"] * 200)

    def fastest(text: str) -> float:
        times = []
        for _ in range(5):
            began = time.monotonic()
            subprocess.run(["mksh", "-c", text], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            times.append(time.monotonic() - began)
        return min(times)

    assert (fastest(script.text) - fastest(bare)) / 200 < 0.001


# -- the reader alone -------------------------------------------------------------------------------------------


def spoken(script: Script, outs: Sequence[bytes], errs: Sequence[bytes], end: bytes = b"\n") -> tuple[bytes, bytes]:
    """What a phone would send for these outputs, on its two streams."""
    marks = [script.header, *script.marks]
    out = b"".join(
        said + mark + b" %d %d.25" % (number % 3, 100 + number) + end
        for number, (said, mark) in enumerate(zip([b"", *outs], marks, strict=True))
    )
    err = b"".join(said + mark + end for said, mark in zip([b"", *errs], marks, strict=True))
    return out, err


sections = st.lists(st.tuples(st.binary(max_size=60), st.binary(max_size=60)), min_size=1, max_size=5)


@given(sections, st.integers(1, 50))
def test_the_reader_gives_back_what_was_said_however_it_is_chopped(said: list[tuple[bytes, bytes]], step: int) -> None:
    script = compose(lines(*["x"] * len(said)), stderr=True)
    out, err = spoken(script, [pair[0] for pair in said], [pair[1] for pair in said])
    reader = BatchReader(script)
    for stream, data in ((2, err), (1, out)):
        for at in range(0, len(data), step):
            assert not reader.complete
            reader.feed(stream, data[at : at + step])
    assert reader.complete
    results = reader.results(None, base_s=0.0, wall_s=100.0, crlf=False)
    assert [(result.stdout, result.stderr) for result in results] == said
    assert [result.exit_code for result in results] == [number % 3 for number in range(1, len(said) + 1)]
    assert all(result.failure is None and result.seconds == 1.0 for result in results)


@given(sections, st.integers(0, 400))
def test_a_cut_stream_keeps_whole_answers_and_calls_no_other_whole(said: list[tuple[bytes, bytes]], cut: int) -> None:
    script = compose(lines(*["x"] * len(said)), stderr=False)
    out, _ = spoken(script, [pair[0] for pair in said], [b""] * len(said))
    reader = BatchReader(script)
    reader.feed(1, out[: min(cut, len(out) - 1)])
    results = reader.results(adb_errors.output_cut(), base_s=0.0, wall_s=100.0, crlf=False)
    whole = [result.failure is None for result in results]
    assert whole == sorted(whole, reverse=True)
    assert not whole[-1]
    for result, (stdout, _) in zip(results, said, strict=True):
        assert stdout.startswith(result.stdout) or result.failure
        if result.failure is None:
            assert result.stdout == stdout
        else:
            assert isinstance(result.failure, OutputCut)
            assert result.exit_code is None


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_hostile_output_is_never_taken_for_an_end(data: bytes) -> None:
    reader = BatchReader(compose(lines("x", "y"), stderr=True))
    reader.feed(1, data)
    reader.feed(2, data)
    assert not reader.complete
    results = reader.results(adb_errors.output_cut(), base_s=0.0, wall_s=1.0, crlf=False)
    assert all(result.failure is not None and result.exit_code is None for result in results)


def test_a_mark_that_is_not_followed_by_its_details_is_garbled() -> None:
    script = compose(lines("x"), stderr=False)
    reader = BatchReader(script)
    with pytest.raises(Garbled):
        reader.feed(1, script.header + b"x" * 100)


def test_a_mark_with_nonsense_in_it_gives_no_exit_code() -> None:
    script = compose(lines("x"), stderr=False)
    (result,) = read(script, script.header + b" 0 1.0\n" + b"said" + script.marks[0] + b" zero one\n", b"")
    assert isinstance(result.failure, Garbled)
    assert result.exit_code is None


def test_too_much_output_keeps_the_head_and_the_commands_around_it() -> None:
    script = compose([Command("a", "x"), Command("b", "x", limit=10), Command("c", "x")], stderr=True)
    out, err = spoken(script, [b"A", b"0123456789overflow" * 1000, b"C"], [b"", b"e" * 1_000_000, b""])
    first, second, third = read(script, out, err)
    assert (first.stdout, third.stdout, first.failure, third.failure) == (b"A", b"C", None, None)
    assert (second.stdout, type(second.failure)) == (b"0123456789", TooMuchOutput)
    assert len(second.stderr) == 64 * 1024


def test_a_flood_is_read_without_being_kept() -> None:
    script = compose([Command("flood", "x", limit=1000)], stderr=False)
    reader = BatchReader(script)
    reader.feed(1, script.header + b" 0 1.0\n")
    for _ in range(100):
        reader.feed(1, b"x" * 1_000_000)
    assert len(reader._out._pending) < 1000
    (result,) = reader.results(adb_errors.no_answer(1), base_s=0, wall_s=1, crlf=False)
    assert result.stdout == b"x" * 1000


def test_a_terminals_line_ends_are_made_lf_again() -> None:
    script = compose(lines("x", "y"), stderr=False)
    out, _ = spoken(script, [b"one\r\ntwo\r\n", b"three\r\r\n"], [b"", b""], end=b"\r\n")
    first, second = read(script, out, b"", crlf=True)
    assert (first.stdout, second.stdout, second.exit_code) == (b"one\ntwo\n", b"three\n", 2)


def test_a_clock_that_jumps_makes_no_impossible_duration() -> None:
    script = compose(lines("x", "y"), stderr=False)
    out = b"".join(
        mark + b" 0 " + clock + b"\n"
        for mark, clock in zip([script.header, *script.marks], [b"100.0", b"5000000.0", b"3.0"], strict=True)
    )
    first, second = read(script, out, b"", wall_s=0.5)
    assert (first.seconds, second.seconds) == (0.5, 0.0)


def test_a_clock_that_is_not_there_leaves_the_answers_good() -> None:
    script = compose(lines("x"), stderr=False)
    (result,) = read(script, script.header + b" 0 \nsaid" + script.marks[0] + b" 4 \n", b"")
    assert (result.stdout, result.exit_code, result.failure, result.seconds) == (b"said", 4, None, 0.0)


def test_commands_are_packed_in_order_into_scripts_that_the_phone_takes() -> None:
    commands = lines(*[f"dumpsys service{number} --proto" for number in range(80)])
    groups = pack(commands, limit=4000)
    assert [command for group in groups for command in group] == commands
    assert len(groups) > 1
    assert all(len(compose(group, stderr=True).text.encode()) <= 4000 for group in groups)
    assert len(pack(commands, limit=60_000)) == 1


@given(st.lists(st.text(max_size=400), min_size=1, max_size=12))
def test_packing_never_makes_a_script_longer_than_allowed_unless_one_command_is(scripts: list[str]) -> None:
    for group in pack(lines(*scripts), limit=4000):
        assert len(group) == 1 or len(compose(group, stderr=True).text.encode("utf-8", "replace")) <= 4000


@given(st.text(max_size=60).filter(lambda text: "\0" not in text))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_as_an_argument_arrives_as_it_is(text: str) -> None:
    if shutil.which("mksh") is None:
        pytest.skip("no shell here named mksh")
    clean = text.encode("utf-8", "replace").decode()
    quoted = "'" + clean.replace("'", "'\\''") + "'"
    (result,) = play("mksh", lines(f"printf %s {quoted}"))
    assert result.stdout.decode() == clean
