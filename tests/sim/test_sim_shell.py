"""Scripts run in a real shell, mksh as on a phone or a plain one, and reach the phone from anywhere in them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim_host import Host, until

from drivers.sim.bench import SimulatedBench, SimulatedPhone, SteppedClock
from drivers.sim.sandbox import PathVeil

SHELLS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"no shell here named {name}"))
    for name in ("mksh", "sh", "bash")
]


@pytest.fixture(params=SHELLS)
async def phone(request: pytest.FixtureRequest) -> AsyncIterator[SimulatedPhone]:
    async with SimulatedBench(["healthy"], seed=3, clock=SteppedClock(), shell=request.param) as sim:
        sim.phones[0].work_ms = 0
        yield sim.phones[0]


@pytest.fixture
async def host(phone: SimulatedPhone) -> AsyncIterator[Host]:
    host = await Host.connect(phone)
    yield host
    host.close()


async def test_commands_work_in_pipes_substitutions_and_subshells(host: Host, phone: SimulatedPhone) -> None:
    ran = await host.shell(
        "dumpsys battery | grep ' level'; x=$(getprop ro.serialno); echo [$x]; (getprop ro.build.version.sdk)"
    )
    assert ran.text == f"  level: 78\n[{phone.serial}]\n34\n"
    assert ran.code == 0


async def test_exit_codes_and_standard_error_of_the_phones_commands_arrive(host: Host) -> None:
    ran = await host.shell(r"cmd nothing; echo $?; dumpsys 'no\such' 2>/dev/null; echo $?; pm x y || echo failed")
    assert ran.text == "20\n0\nfailed\n"
    assert ran.stderr == b"cmd: Can't find service: nothing\nUnknown command: x y\n"


async def test_arguments_arrive_whole_whatever_is_in_them(host: Host, phone: SimulatedPhone) -> None:
    nasty = 'a\'b "c" $(id) \\n % * 中文 \t;&|<>'
    await host.shell("settings put system note " + "'" + nasty.replace("'", "'\\''") + "'")
    assert phone.state.settings[("system", "note")] == nasty
    assert (await host.shell("settings get system note")).text == nasty + "\n"


async def test_a_very_long_argument_arrives_whole(host: Host, phone: SimulatedPhone) -> None:
    await host.shell(f"settings put system long {'0123456789' * 500}")
    assert phone.state.settings[("system", "long")] == "0123456789" * 500


async def test_many_commands_at_once_do_not_mix(host: Host, phone: SimulatedPhone) -> None:
    script = "".join(f"(settings put system k{n} {'v' * 390}{n}; settings get system k{n}) & " for n in range(20))
    ran = await host.shell(script + "wait")
    assert sorted(ran.text.split()) == sorted(f"{'v' * 390}{n}" for n in range(20))


async def test_hundreds_of_commands_in_one_script_each_get_their_answer(host: Host, phone: SimulatedPhone) -> None:
    ran = await host.shell("i=0; while [ $i -lt 300 ]; do getprop ro.serialno; i=$((i+1)); done")
    assert ran.text == f"{phone.serial}\n" * 300
    assert len(phone.commands) == 300


async def test_big_and_binary_answers_arrive_whole(host: Host) -> None:
    ran = await host.shell("logcat -d -b all | wc -l; screencap -p | wc -c; getprop | wc -l; getprop | wc -c")
    lines, picture, props, size = map(int, ran.text.split())
    assert (lines, props) == (1, len((await host.shell("getprop")).text.splitlines()))
    assert size == len((await host.shell("getprop")).stdout)
    assert picture == len((await host.shell("screencap -p")).stdout)


async def test_commands_are_also_programs_for_what_starts_programs(host: Host, phone: SimulatedPhone) -> None:
    ran = await host.shell(
        "timeout 5 getprop ro.serialno; echo ro.serialno | xargs getprop; sh -c 'getprop ro.serialno'"
    )
    assert ran.text == f"{phone.serial}\n" * 3


async def test_a_watchdog_without_timeout_ends_a_command_that_hangs(host: Host, phone: SimulatedPhone) -> None:
    phone.work_ms = 60_000
    ran = await host.shell(
        "(getprop ro.serialno) & p=$!; (sleep 0.2; kill -9 $p) & w=$!; wait $p; echo $?; kill $w 2>/dev/null; echo on"
    )
    assert ran.text == "137\non\n"
    phone.work_ms = 0
    assert (await host.shell("getprop ro.serialno")).text == f"{phone.serial}\n"


async def test_a_reader_that_goes_away_ends_a_stream(host: Host, phone: SimulatedPhone) -> None:
    ran = await host.shell("logcat | head -n 1; echo on")
    assert ran.text.endswith("on\n")
    await until(lambda: phone.commands == ["logcat"])


async def test_living_files_are_read_by_cat_by_tools_by_globs_and_by_redirection(
    host: Host, phone: SimulatedPhone
) -> None:
    full = phone.persona.battery.full_uah
    folder = "/sys/class/power_supply/battery"
    for script in (
        f"cat {folder}/charge_full",
        f"head -n 1 {folder}/charge_full",
        "for f in /sys/class/power_supply/b*/charge_full; do cat $f; done",
        f"read x <{folder}/charge_full; echo $x",
        f"cd {folder}; cat charge_full",
        f"grep CHARGE_FULL= {folder}/uevent | cut -d= -f2",
    ):
        assert (await host.shell(script)).text == f"{full}\n", script
    assert (await host.shell(f"for f in {folder}/cyc*; do echo $f; done")).text == f"{folder}/cycle_count\n"


async def test_memory_is_read_from_proc(host: Host, phone: SimulatedPhone) -> None:
    assert (await host.shell("cat /proc/meminfo | head -n 1")).text.split() == [
        "MemTotal:",
        str(phone.persona.memory_kb),
        "kB",
    ]
    assert (await host.shell("grep MemTotal /proc/meminfo")).text.split()[1] == str(phone.persona.memory_kb)


async def test_what_android_keeps_from_the_shell_user_is_refused(host: Host) -> None:
    ran = await host.shell("ls /data/tombstones; echo $?; cat /data/system/packages.xml; echo $?")
    assert ran.text == "1\n1\n"
    assert ran.stderr.decode().splitlines() == [
        "ls: /data/tombstones: Permission denied",
        "cat: /data/system/packages.xml: Permission denied",
    ]


async def test_no_path_of_the_bench_machine_shows(host: Host, phone: SimulatedPhone) -> None:
    ran = await host.shell(
        "cd /data/local/tmp; pwd; echo /sdcard/x; ls /nowhere/y; cat /sdcard/none; ls /; echo $TMPDIR; touch a; ls"
    )
    assert str(phone.sandbox.folder).encode() not in ran.stdout + ran.stderr
    lines = ran.text.splitlines()
    assert lines[:2] == ["/data/local/tmp", "/sdcard/x"]
    assert {"data", "proc", "sdcard", "sys", "system"} <= set(lines)
    assert lines[-2:] == ["/data/local/tmp", "a"]


async def test_files_that_a_script_writes_stay_in_the_phone(host: Host, phone: SimulatedPhone) -> None:
    ran = await host.shell(
        "echo one >/data/local/tmp/f; echo two >>/sdcard/f; [ -e /data/local/tmp/f ] && cat /sdcard/f"
    )
    assert ran.text == "two\n"
    assert phone.sandbox.path("/data/local/tmp/f").read_text() == "one\n"


async def test_a_phone_without_root_has_no_su_and_a_rooted_one_has(host: Host) -> None:
    assert (await host.shell("su -c id")).code == 127
    assert (await host.shell("[ -e /system/bin/su ] || command -v su || echo none")).text == "none\n"
    async with SimulatedBench(["rooted"]) as sim:
        rooted = await Host.connect(sim.phones[0])
        assert (await rooted.shell("su -c id")).text.startswith("uid=0(root)")
        assert (await rooted.shell("id")).text.startswith("uid=2000(shell)")
        assert (await rooted.shell("[ -e /system/bin/su ] && echo found")).text == "found\n"
        rooted.close()


async def test_tombstones_are_kept_from_the_shell_user_but_printed_by_the_drop_box() -> None:
    async with SimulatedBench(["camera-hal-dying"]) as sim:
        phone = sim.phones[0]
        host = await Host.connect(phone)
        assert b"Permission denied" in (await host.shell("ls /data/tombstones")).stderr
        printed = (await host.shell("dumpsys dropbox --print SYSTEM_TOMBSTONE")).text
        assert printed.count(">>> /vendor/bin/hw/android.hardware.camera.provider") == 3
        # An entry has to fit every word, its tag or a part of its date (AOSP DropBoxManagerService.matchEntry).
        both = (await host.shell("dumpsys dropbox --print SYSTEM_TOMBSTONE SYSTEM_BOOT")).text
        assert "(No entries found.)" in both
        dated = printed.split("========\n")[1][:10]
        assert ">>>" in (await host.shell(f"dumpsys dropbox --print {dated} SYSTEM_TOMBSTONE")).text
        host.close()


async def test_a_script_with_broken_syntax_fails_as_in_any_shell(host: Host) -> None:
    ran = await host.shell("echo a; if")
    assert ran.code not in (0, None)
    assert ran.stderr


async def test_what_a_script_leaves_running_keeps_the_stream_open_as_on_a_phone(host: Host) -> None:
    started = asyncio.get_running_loop().time()
    ran = await host.shell("sleep 0.4 & echo away")
    assert ran.text == "away\n"
    assert asyncio.get_running_loop().time() - started >= 0.4


async def test_the_environment_is_the_phones_own(host: Host) -> None:
    names = {line.partition("=")[0] for line in (await host.shell("env")).text.splitlines()}
    assert {"ANDROID_ROOT", "PATH", "TMPDIR", "USER"} <= names
    assert not {"VIRTUAL_ENV", "PYTEST_CURRENT_TEST", "LANG"} & names
    assert (await host.shell("python3 --version")).code == 127


async def test_android_5_has_only_the_few_tools_of_its_time() -> None:
    async with SimulatedBench(["android5"]) as sim:
        host = await Host.connect(sim.phones[0])
        for tool in ("head", "timeout", "base64", "stat", "cmd"):
            assert "127" in (await host.read_all(f"shell:{tool} </dev/null; echo $?")).decode(), tool
        assert (await host.read_all("exec:cat /proc/meminfo")).startswith(b"MemTotal:")
        host.close()


@given(
    st.lists(st.sampled_from(["/tmp/sim-1/0/fs", "/tmp", "/tmp/sim-1", "a", "/", "\n", "/tmp/sim-1/0/fs/data"])),
    st.integers(1, 9),
)
def test_the_sandboxs_path_is_taken_out_however_the_output_is_cut(words: list[str], step: int) -> None:
    data = "".join(words).encode()
    veil = PathVeil(Path("/tmp/sim-1/0/fs"))
    chunks = [veil.pass_on(data[start : start + step]) for start in range(0, len(data), step)]
    assert b"".join(chunks) + veil.rest() == data.replace(b"/tmp/sim-1/0/fs", b"")
