"""The bundled adb binary takes simulated phones for phones."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sim_host import ADB, AdbServer, until

from drivers.sim.bench import SimulatedBench, SimulatedPhone


@pytest.fixture
async def phone(adb: AdbServer) -> AsyncIterator[SimulatedPhone]:
    async with SimulatedBench(["healthy"], seed=4) as sim:
        assert "connected to" in (await adb("connect", sim.phones[0].address)).text
        yield sim.phones[0]


async def test_a_connected_phone_is_listed_with_its_product_and_model(adb: AdbServer, phone: SimulatedPhone) -> None:
    row = next(line for line in (await adb("devices", "-l")).text.splitlines() if phone.address in line)
    assert row.split()[1:5] == ["device", "product:aurora", "model:Aurora_8", "device:aurora"]


async def test_shell_gives_both_outputs_and_the_exit_code_apart(adb: AdbServer, phone: SimulatedPhone) -> None:
    ran = await adb("-s", phone.address, "shell", "echo out; echo err >&2; exit 7")
    assert (ran.stdout, ran.stderr, ran.code) == (b"out\n", b"err\n", 7)


async def test_shell_reads_the_hosts_standard_input(adb: AdbServer, phone: SimulatedPhone) -> None:
    ran = await adb("-s", phone.address, "shell", "cat; echo done", stdin=b"one\ntwo\n")
    assert ran.stdout == b"one\ntwo\ndone\n"


async def test_a_shell_ended_by_a_signal_has_the_exit_code_of_the_signal(adb: AdbServer, phone: SimulatedPhone) -> None:
    assert (await adb("-s", phone.address, "shell", "kill -9 $$")).code == 137


async def test_exec_out_passes_bytes_through_unchanged(adb: AdbServer, phone: SimulatedPhone) -> None:
    picture = (await adb("-s", phone.address, "exec-out", "screencap -p")).stdout
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture.endswith(b"IEND\xaeB`\x82")


async def test_a_pushed_file_comes_back_by_pull_as_it_was(
    adb: AdbServer, phone: SimulatedPhone, tmp_path: Path
) -> None:
    data = random.Random(1).randbytes(3_000_001)
    (tmp_path / "there").write_bytes(data)
    pushed = await adb("-s", phone.address, "push", str(tmp_path / "there"), "/data/local/tmp/new/folder/there")
    assert pushed.code == 0, pushed
    assert "3000001" in (await adb("-s", phone.address, "shell", "ls -l /data/local/tmp/new/folder")).text
    pulled = await adb("-s", phone.address, "pull", "/data/local/tmp/new/folder/there", str(tmp_path / "back"))
    assert pulled.code == 0, pulled
    assert (tmp_path / "back").read_bytes() == data


async def test_adb_ls_lists_a_folder_with_sizes(adb: AdbServer, phone: SimulatedPhone) -> None:
    await adb("-s", phone.address, "shell", "echo 12345 >/sdcard/note.txt")
    rows = [line.split() for line in (await adb("-s", phone.address, "ls", "/sdcard/")).text.splitlines()]
    assert [row[1:] for row in rows if row[-1] == "note.txt"] == [
        ["00000006", next(row[2] for row in rows if row[-1] == "note.txt"), "note.txt"]
    ]


async def test_living_files_can_be_pulled(adb: AdbServer, phone: SimulatedPhone, tmp_path: Path) -> None:
    uevent = "/sys/class/power_supply/battery/uevent"
    assert (await adb("-s", phone.address, "pull", uevent, str(tmp_path / "uevent"))).code == 0
    assert f"POWER_SUPPLY_CHARGE_FULL={phone.persona.battery.full_uah}\n" in (tmp_path / "uevent").read_text()


async def test_files_that_the_shell_user_may_not_see_are_refused(
    adb: AdbServer, phone: SimulatedPhone, tmp_path: Path
) -> None:
    pulled = await adb("-s", phone.address, "pull", "/data/tombstones/tombstone_00", str(tmp_path / "t"))
    pushed = await adb("-s", phone.address, "push", str(Path(__file__)), "/system/framework/x")
    assert pulled.code != 0
    assert pushed.code != 0
    assert b"Permission denied" in pushed.stdout + pushed.stderr


async def test_the_browser_shows_a_page_of_the_bench_over_a_reversed_port(
    adb: AdbServer, phone: SimulatedPhone
) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        body = "<h1>屏幕</h1>".encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert (await adb("-s", phone.address, "reverse", "tcp:8123", f"tcp:{port}")).code == 0
        assert f"tcp:8123 tcp:{port}" in (await adb("-s", phone.address, "reverse", "--list")).text
        url = "http://localhost:8123/test?n=1"
        started = await adb("-s", phone.address, "shell", f"am start -a android.intent.action.VIEW -d '{url}'")
        assert "Starting: Intent" in started.text
        await until(lambda: phone.page is not None)
        assert phone.page == "<h1>屏幕</h1>"
        assert asked[0].startswith(b"GET /test?n=1 HTTP/1.1\r\n")
        await adb("-s", phone.address, "shell", "input keyevent 3")
        assert phone.page is None
        assert (await adb("-s", phone.address, "reverse", "--remove", "tcp:8123")).code == 0
        assert (await adb("-s", phone.address, "reverse", "--remove", "tcp:8123")).code != 0


async def test_a_reverse_to_port_0_says_which_port_it_chose(adb: AdbServer, phone: SimulatedPhone) -> None:
    first = await adb("-s", phone.address, "reverse", "tcp:0", "tcp:9")
    second = await adb("-s", phone.address, "reverse", "tcp:0", "tcp:9")
    assert first.text.strip().isdigit()
    assert first.text != second.text
    taken = await adb("-s", phone.address, "reverse", "--no-rebind", f"tcp:{first.text.strip()}", "tcp:9")
    assert b"cannot rebind" in taken.stderr


async def test_the_browser_shows_nothing_when_nobody_listens_on_the_bench(
    adb: AdbServer, phone: SimulatedPhone
) -> None:
    await adb("-s", phone.address, "reverse", "tcp:8123", "tcp:1")
    await adb("-s", phone.address, "shell", "am start -a android.intent.action.VIEW -d http://localhost:8123/")
    await adb("-s", phone.address, "shell", "true")
    assert phone.page is None


async def test_logcat_streams_until_the_host_hangs_up(adb: AdbServer, phone: SimulatedPhone) -> None:
    process = await adb.start_command("-s", phone.address, "logcat")
    assert process.stdout is not None
    async with asyncio.timeout(15):
        while b"update 2" not in await process.stdout.readline():
            pass
    process.kill()
    await process.wait()


async def test_the_crash_log_ends_by_itself(adb: AdbServer, phone: SimulatedPhone) -> None:
    assert (await adb("-s", phone.address, "logcat", "-d", "-b", "crash")).text == "--------- beginning of crash\n"


async def test_services_that_a_phone_does_not_have_are_refused(adb: AdbServer, phone: SimulatedPhone) -> None:
    assert (await adb("-s", phone.address, "jdwp")).code != 0
    assert (await adb("-s", phone.address, "shell", "echo still here")).text == "still here\n"


async def test_a_pulled_cable_is_seen_and_the_same_phone_comes_back_on_its_port(
    adb: AdbServer, phone: SimulatedPhone
) -> None:
    phone.unplug()
    await adb.state(phone, is_now="offline")
    assert "discharg" not in phone.state.battery.plugged
    await phone.plug()
    await adb.state(phone, is_now="device")
    assert (await adb("-s", phone.address, "shell", "getprop ro.serialno")).text.strip() == phone.serial


async def test_reboot_drops_the_connection_and_the_phone_comes_back(adb: AdbServer, phone: SimulatedPhone) -> None:
    await adb("-s", phone.address, "reboot")
    await adb.state(phone, is_now="offline")
    await adb.state(phone, is_now="device")


async def test_a_phone_that_does_not_know_the_bench_is_unauthorised_until_somebody_taps(adb: AdbServer) -> None:
    async with SimulatedBench(["unauthorised"]) as sim:
        phone = sim.phones[0]
        await adb("connect", phone.address)
        await adb.state(phone, is_now="unauthorized")
        await until(lambda: phone.asking is not None)  # adb may say so before
        assert b"unauthorized" in (await adb("-s", phone.address, "shell", "id")).stderr
        assert phone.asking is not None
        assert phone.opens_count == 0
        phone.allow()
        await adb.state(phone, is_now="device")
        assert "uid=2000" in (await adb("-s", phone.address, "shell", "id")).text


async def test_a_phone_that_was_allowed_once_knows_the_bench_again_without_asking(adb: AdbServer) -> None:
    async with SimulatedBench(["unauthorised"]) as sim:
        phone = sim.phones[0]
        await adb("connect", phone.address)
        await adb.state(phone, is_now="unauthorized")
        await until(lambda: phone.asking is not None)  # adb may say so before
        phone.allow()
        await adb.state(phone, is_now="device")
        phone.unplug()
        await adb.state(phone, is_now="offline")
        await phone.plug()
        await adb.state(phone, is_now="device")
        assert phone.asking is None


async def test_a_refused_bench_stays_unauthorised(adb: AdbServer) -> None:
    async with SimulatedBench(["unauthorised"]) as sim:
        phone = sim.phones[0]
        await adb("connect", phone.address)
        await adb.state(phone, is_now="unauthorized")
        await until(lambda: phone.asking is not None)  # adb may say so before
        phone.refuse()
        with pytest.raises(RuntimeError):
            phone.allow()
        assert b"unauthorized" in (await adb("-s", phone.address, "shell", "id")).stderr


async def test_a_phone_that_trusts_the_benchs_key_checks_its_signature_and_asks_nothing(adb: AdbServer) -> None:
    key = (adb.home / ".android" / "adbkey.pub").read_text()
    async with SimulatedBench(["healthy"], trusted_keys=[key]) as sim:
        assert "connected to" in (await adb("connect", sim.phones[0].address)).text
        assert (await adb("-s", sim.phones[0].address, "shell", "echo hi")).text == "hi\n"


async def test_a_phone_that_trusts_another_benchs_key_does_not_let_this_one_in(adb: AdbServer, tmp_path: Path) -> None:
    other = AdbServer(tmp_path / "other", adb.port)
    other.home.mkdir()
    keygen = await asyncio.create_subprocess_exec(ADB, "keygen", str(other.home / "adbkey"))
    assert await keygen.wait() == 0
    async with SimulatedBench(["healthy"], trusted_keys=[(other.home / "adbkey.pub").read_text()]) as sim:
        phone = sim.phones[0]
        await adb("connect", phone.address)
        await adb.state(phone, is_now="unauthorized")
        await until(lambda: phone.asking is not None)  # adb may say so before
        assert phone.asking is not None


async def test_android_5_speaks_the_old_shell_with_crlf_and_no_exit_code(adb: AdbServer) -> None:
    async with SimulatedBench(["android5"]) as sim:
        phone = sim.phones[0]
        await adb("connect", phone.address)
        assert "shell_v2" not in (await adb("-s", phone.address, "features")).text
        ran = await adb("-s", phone.address, "shell", "getprop ro.build.version.sdk; echo err >&2; exit 3")
        assert (ran.stdout, ran.stderr, ran.code) == (b"22\r\nerr\r\n", b"", 0)
        assert (await adb("-s", phone.address, "exec-out", "getprop ro.build.version.sdk")).stdout == b"22\n"
        assert all(not opened.service.startswith("shell,") for opened in phone.opens)


async def test_android_5_moves_files_with_the_first_sync_protocol(adb: AdbServer, tmp_path: Path) -> None:
    data = random.Random(2).randbytes(200_000)
    (tmp_path / "a").write_bytes(data)
    async with SimulatedBench(["android5"]) as sim:
        phone = sim.phones[0]
        await adb("connect", phone.address)
        assert (await adb("-s", phone.address, "push", str(tmp_path / "a"), "/sdcard/a")).code == 0
        assert (await adb("-s", phone.address, "pull", "/sdcard/a", str(tmp_path / "b"))).code == 0
        assert (tmp_path / "b").read_bytes() == data
        assert " a\n" in (await adb("-s", phone.address, "ls", "/sdcard")).text


async def test_an_interactive_shell_answers_line_by_line_on_a_terminal(adb: AdbServer, phone: SimulatedPhone) -> None:
    process = await adb.start_command("-s", phone.address, "shell", "-tt")
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(20):
        await process.stdout.readuntil(b"$ ")
        process.stdin.write(b"echo $((6*7)); tty >/dev/null && echo terminal\n")
        await process.stdout.readuntil(b"\n42\r\nterminal\r\n")
        process.stdin.write(b"exit 5\n")
        await process.stdout.read()
        assert await process.wait() == 5


async def test_keys_that_are_pressed_arrive_as_kernel_events(adb: AdbServer, phone: SimulatedPhone) -> None:
    process = await adb.start_command("-s", phone.address, "shell", "getevent -lt")
    assert process.stdout is not None
    seen: list[list[str]] = []
    await until(lambda: phone.state.listeners)
    async with asyncio.timeout(15):
        phone.press("power", hold_s=0.03)
        while len(seen) < 2:
            words = (await process.stdout.readline()).decode().split()
            if "EV_KEY" in words:
                seen.append(words[-4:])
    process.kill()
    await process.wait()
    assert seen == [
        ["/dev/input/event1:", "EV_KEY", "KEY_POWER", "DOWN"],
        ["/dev/input/event1:", "EV_KEY", "KEY_POWER", "UP"],
    ]
    await until(lambda: not phone.state.listeners)  # the phone hangs the program up with the stream


async def test_many_phones_at_once_are_all_there(adb: AdbServer) -> None:
    async with SimulatedBench(["healthy"] * 16, seed=9) as sim:
        await asyncio.gather(*(adb("connect", phone.address) for phone in sim.phones))
        answers = await asyncio.gather(*(adb("-s", p.address, "shell", "getprop ro.serialno") for p in sim.phones))
        assert [answer.text.strip() for answer in answers] == [phone.serial for phone in sim.phones]
        assert len({phone.serial for phone in sim.phones}) == 16


async def test_nothing_is_left_running_or_lying_about_when_the_bench_is_switched_off(adb: AdbServer) -> None:
    async with SimulatedBench(["healthy"]) as sim:
        phone = sim.phones[0]
        await adb("connect", phone.address)
        process = await adb.start_command(
            "-s", phone.address, "shell", "trap '' HUP TERM; sleep 300 >/dev/null & sleep 300"
        )
        await until(lambda: list(phone.sandbox.channels.iterdir()))
        root = phone.sandbox.folder
    async with asyncio.timeout(10):
        await process.communicate()  # the connection broke under it
    assert not root.exists()
    await until(lambda: not _running_below(root))


def _running_below(root: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if str(root).encode() in entry.read_bytes():
                found.append(entry.parent.name)
    return found
