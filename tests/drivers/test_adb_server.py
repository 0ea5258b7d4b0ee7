"""The adb server of the bench: ours, somebody else's, dead, mute, or named by the environment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from adb_bench import AdbBench, adb_bench
from tenacity import wait_fixed

from drivers.adb import AdbTransport
from drivers.adb_server import (
    SERVER_VERSION,
    AdbServer,
    PortOwner,
    ask,
    bundled_adb,
    named_server,
    port_owner,
    server_version,
)
from drivers.adb_wire import Deadline, ServerAddress, Wire
from drivers.api import DriverError, Link, LinkState, NoAnswer, Refused, ServerDown, Side
from drivers.discovery import Discovery
from drivers.sim.bench import SimulatedBench


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def real_environ(tmp_path: Path, **more: str) -> dict[str, str]:
    """An environment for a server in the way of a real bench, but away from this machine's USB and keys."""
    return {"HOME": str(tmp_path), "ADB_USB": "0", "ADB_LIBUSB": "0", "ADB_EMU": "0", "ADB_MDNS": "0", **more}


@contextlib.asynccontextmanager
async def running(server: AdbServer) -> AsyncIterator[AdbServer]:
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@contextlib.asynccontextmanager
async def fake_server(answer: bytes | None, port: int = 0) -> AsyncIterator[int]:
    """Something that listens and answers each connection the same way; None: accepts and says nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if answer is None:
                await reader.read()
            else:
                await reader.readexactly(4)
                writer.write(answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def until_ready(server: AdbServer, seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        await server.ready()


async def test_our_server_comes_up_answers_and_ends_with_us(tmp_path: Path) -> None:
    async with running(AdbServer(home=tmp_path)) as server:
        assert (server.trouble, server.owned) == (None, True)
        assert await server_version(server.address) == SERVER_VERSION
        owner = port_owner(server.address.port)
        assert owner is not None
        assert owner.program == str(bundled_adb())
    with pytest.raises(ServerDown):
        await server_version(server.address)
    with pytest.raises(ProcessLookupError):
        os.kill(owner.pid, 0)


async def test_a_private_server_keeps_its_key_in_its_own_folder(tmp_path: Path) -> None:
    async with adb_bench(tmp_path, ["unauthorised"]) as bench:
        await bench.link(state=LinkState.UNAUTHORIZED)
        assert (tmp_path / "adb" / ".android" / "adbkey").is_file()


async def test_a_killed_server_is_started_again_and_says_so_meanwhile(tmp_path: Path) -> None:
    async with running(AdbServer(home=tmp_path, backoff=wait_fixed(0.5))) as server:
        owner = port_owner(server.address.port)
        assert owner is not None
        os.kill(owner.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while server.trouble is None:  # noqa: ASYNC110 - noticed within a moment of the death
                await asyncio.sleep(0.01)
        assert server.trouble.code == "adb.server-ended"
        assert server.trouble.side is Side.BENCH
        await until_ready(server)
        assert (server.trouble, server.owned) == (None, True)
        assert await server_version(server.address) == SERVER_VERSION


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is taken for hung after a moment."""
    monkeypatch.setattr("drivers.adb_server.LOOK_S", 0.05)
    monkeypatch.setattr("drivers.adb_server.LOOK_WAIT_S", 0.3)


@pytest.mark.usefixtures("impatient")
async def test_a_server_of_ours_that_hangs_is_ended_and_started_again(tmp_path: Path) -> None:
    async with running(AdbServer(home=tmp_path)) as server:
        hung = port_owner(server.address.port)
        assert hung is not None
        os.kill(hung.pid, signal.SIGSTOP)
        async with asyncio.timeout(15):
            while server.trouble is None:  # noqa: ASYNC110 - it is looked at again and again
                await asyncio.sleep(0.02)
        assert (server.trouble.code, server.trouble.side) == ("adb.server-silent", Side.BENCH)
        await until_ready(server)
        again = port_owner(server.address.port)
        assert again is not None
        assert again.pid != hung.pid
        assert await server_version(server.address) == SERVER_VERSION


@pytest.mark.usefixtures("impatient")
async def test_anothers_server_that_hangs_is_named_and_left_alone(tmp_path: Path) -> None:
    port, environ = free_port(), real_environ(tmp_path)
    arguments = (bundled_adb(), "-L", f"tcp:{port}", "server", "nodaemon")
    other = await asyncio.create_subprocess_exec(*arguments, env=environ)
    try:
        async with asyncio.timeout(15):
            while port_owner(port) is None:  # noqa: ASYNC110 - its own way up
                await asyncio.sleep(0.02)
        async with running(AdbServer(port, environ=environ, backoff=wait_fixed(0.1))) as server:
            assert (server.trouble, server.owned) == (None, False)
            other.send_signal(signal.SIGSTOP)
            async with asyncio.timeout(20):
                while server.trouble is None or server.trouble.code != "adb.foreign-server":  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert f"pid {other.pid}" in server.trouble.what.en
            other.send_signal(signal.SIGCONT)
            await until_ready(server)
            assert (server.trouble, server.owned) == (None, False)
    finally:
        other.kill()
        await other.wait()


@pytest.mark.usefixtures("impatient")
async def test_phones_of_a_server_that_hung_and_went_on_can_be_opened_again(tmp_path: Path) -> None:
    port, environ = free_port(), real_environ(tmp_path)
    other = await asyncio.create_subprocess_exec(
        *(bundled_adb(), "-L", f"tcp:{port}", "server", "nodaemon"), env=environ
    )
    async with SimulatedBench(["healthy"]) as sim:
        server = AdbServer(port, environ=environ, backoff=wait_fixed(0.1))
        transport = AdbTransport(server)
        lists = transport.watch().__aiter__()

        async def usable() -> Link:
            while True:
                for link in await anext(lists):
                    if link.state.usable:
                        return link

        try:
            async with asyncio.timeout(15):
                while port_owner(port) is None:  # noqa: ASYNC110 - its own way up
                    await asyncio.sleep(0.02)
            await server.start()
            await server.connect(sim.phones[0].address)
            async with asyncio.timeout(20):
                before = await transport.open(await usable())
                other.send_signal(signal.SIGSTOP)
                while await anext(lists) != ():
                    pass
                other.send_signal(signal.SIGCONT)
                again = await transport.open(await usable())
            assert (await again.identify(deadline_s=10)).serial == sim.phones[0].serial
            await before.close()
            await again.close()
        finally:
            other.send_signal(signal.SIGCONT)
            await transport.close()
            other.kill()
            await other.wait()


_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from drivers.adb_server import AdbServer, port_owner

async def main():
    server = AdbServer(home=Path(sys.argv[1]))
    await server.start()
    print(port_owner(server.address.port).pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_private_server_does_not_outlive_a_killed_owner(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _KILLED, str(tmp_path)), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    out, _ = await process.communicate()
    pid = int(out)
    async with asyncio.timeout(5):
        while Path(f"/proc/{pid}/exe").exists():  # noqa: ASYNC110, ASYNC240 - the kernel raises no event
            await asyncio.sleep(0.02)


async def test_nobody_elses_kill_server_ends_ours(tmp_path: Path) -> None:
    async with running(AdbServer(home=tmp_path)) as server:
        with pytest.raises(Refused):
            await ask(server.address, "host:kill")
        assert await server_version(server.address) == SERVER_VERSION
        assert server.owned


async def test_a_compatible_server_that_is_already_there_is_shared_and_left_alone(tmp_path: Path) -> None:
    async with running(AdbServer(free_port(), environ=real_environ(tmp_path))) as first:
        assert first.owned
        async with running(AdbServer(first.address.port, environ=real_environ(tmp_path))) as second:
            assert (second.trouble, second.owned) == (None, False)
        assert await server_version(first.address) == SERVER_VERSION


async def test_when_the_shared_server_ends_we_start_our_own(tmp_path: Path) -> None:
    first = AdbServer(free_port(), environ=real_environ(tmp_path))
    await first.start()
    async with running(AdbServer(first.address.port, environ=real_environ(tmp_path))) as second:
        await first.close()
        async with asyncio.timeout(15):
            while not second.owned:  # noqa: ASYNC110 - its own way back up
                await asyncio.sleep(0.02)
        assert await server_version(second.address) == SERVER_VERSION


async def test_a_foreign_server_of_another_version_is_named_with_its_program_and_not_killed(tmp_path: Path) -> None:
    async with fake_server(b"OKAY00040028") as port:  # version 40
        async with running(AdbServer(port, environ=real_environ(tmp_path))) as server:
            assert server.trouble is not None
            assert (server.trouble.code, type(server.trouble)) == ("adb.foreign-server", ServerDown)
            assert "version 40" in server.trouble.what.en
            assert f"pid {os.getpid()}" in server.trouble.what.en
            assert f"pid {os.getpid()}" in server.trouble.what.zh
            transport = AdbTransport(server)
            assert transport.trouble is server.trouble
            with pytest.raises(ServerDown):
                await transport.open(Link("adb", "1", "x", "x", LinkState.DEVICE))
            lists = transport.watch().__aiter__()
            assert await anext(lists) == ()
        assert await server_version(ServerAddress(port=port)) == 40


async def test_a_foreign_server_that_goes_away_is_replaced_by_ours(tmp_path: Path) -> None:
    async with fake_server(b"OKAY00040028") as port:
        server = AdbServer(port, environ=real_environ(tmp_path), backoff=wait_fixed(0.1))
        await server.start()
        assert server.trouble is not None
    await until_ready(server)
    assert (server.trouble, server.owned) == (None, True)
    await server.close()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"OKAY0004zzzz", b"OKAYxxxx", b""])
async def test_a_program_that_is_no_adb_server_is_named(tmp_path: Path, answer: bytes) -> None:
    async with fake_server(answer) as port, running(AdbServer(port, environ=real_environ(tmp_path))) as server:
        assert server.trouble is not None
        assert server.trouble.code in ("adb.foreign-server", "adb.server-start")
        assert server.trouble.side is Side.BENCH


async def test_a_server_that_accepts_and_says_nothing_holds_nobody_up(tmp_path: Path) -> None:
    async with fake_server(None) as port:
        began = time.monotonic()
        async with running(AdbServer(port, environ=real_environ(tmp_path))) as server:
            assert server.trouble is not None
            assert server.trouble.code == "adb.foreign-server"
        assert time.monotonic() - began < 5.0
        wire = Wire(ServerAddress(port=port), Deadline.after(0.3))
        began = time.monotonic()
        with pytest.raises(ServerDown) as caught:
            await asyncio.to_thread(wire.transport, "1")
        assert caught.value.code == "adb.server-silent"
        assert time.monotonic() - began < 0.8
        wire.close()


async def test_a_server_that_the_environment_names_is_used_and_neither_started_nor_ended(tmp_path: Path) -> None:
    port = free_port()
    environ = real_environ(tmp_path, ANDROID_ADB_SERVER_PORT=str(port))
    async with running(AdbServer(environ=environ, backoff=wait_fixed(0.05))) as server:
        assert server.trouble is not None
        assert server.trouble.code == "adb.server-away"
        await asyncio.sleep(0.3)
        with pytest.raises(ServerDown):
            await server_version(server.address)
        async with running(AdbServer(port, environ=real_environ(tmp_path))) as theirs:
            await until_ready(server)
            assert (server.trouble, server.owned, theirs.owned) == (None, False, True)
            await server.close()
            assert await server_version(theirs.address) == SERVER_VERSION


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, None),
        ({"ANDROID_ADB_SERVER_PORT": "5038"}, ServerAddress(port=5038)),
        ({"ANDROID_ADB_SERVER_PORT": "5038", "ANDROID_ADB_SERVER_ADDRESS": "bench2"}, ServerAddress("bench2", 5038)),
        ({"ADB_SERVER_SOCKET": "tcp:bench3:5039", "ANDROID_ADB_SERVER_PORT": "1"}, ServerAddress("bench3", 5039)),
        ({"ADB_SERVER_SOCKET": "localfilesystem:/run/adb"}, ServerAddress(path="/run/adb")),
    ],
)
def test_the_environment_names_a_server_as_it_does_for_adb(
    environ: Mapping[str, str], address: ServerAddress | None
) -> None:
    assert named_server(environ) == address


async def test_a_server_on_a_unix_socket_is_used_like_any_other(tmp_path: Path) -> None:
    spec = f"localfilesystem:{tmp_path}/adb.sock"
    environ = real_environ(tmp_path)
    theirs = await asyncio.create_subprocess_exec(
        *(str(bundled_adb()), "-L", spec, "server", "nodaemon"), env=environ, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with SimulatedBench(["healthy"]) as sim:
            server = AdbServer(environ=environ | {"ADB_SERVER_SOCKET": spec}, backoff=wait_fixed(0.05))
            transport = AdbTransport(server)
            await server.start()
            await until_ready(server)
            await server.connect(sim.phones[0].address)
            bench = AdbBench(sim, server, transport)
            device = await bench.open()
            assert (await device.identify(deadline_s=10)).serial == sim.phones[0].serial
            await device.close()
            await transport.close()
        assert theirs.returncode is None
    finally:
        theirs.terminate()
        await theirs.wait()


@pytest.mark.parametrize("name", ["ANDROID_ADB_SERVER_PORT", "ADB_SERVER_SOCKET"])
async def test_nonsense_in_the_environment_is_named_and_nothing_is_started(tmp_path: Path, name: str) -> None:
    async with running(AdbServer(environ=real_environ(tmp_path, **{name: "five"}))) as server:
        assert server.trouble is not None
        assert (server.trouble.code, server.owned) == ("adb.server-setting", False)
        assert name in server.trouble.what.en
        assert name in server.trouble.what.zh


async def test_the_bundled_binary_is_used_whatever_is_on_the_path(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "adb"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    fake.chmod(0o755)
    environ = real_environ(tmp_path, PATH=f"{fake.parent}:{os.environ['PATH']}")
    async with running(AdbServer(free_port(), environ=environ)) as server:
        assert server.owned
    assert not (tmp_path / "was-run").exists()


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    async with running(AdbServer(home=tmp_path / "home", backoff=wait_fixed(0.1))) as server:
        assert server.trouble is not None
        assert server.trouble.code == "adb.server-start"
        (tmp_path / "home").unlink()
        await until_ready(server)
        assert server.trouble is None


async def test_a_network_phone_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    async with running(AdbServer(home=tmp_path)) as server:
        with pytest.raises(NoAnswer) as caught:
            await server.connect(f"127.0.0.1:{free_port()}")
        assert caught.value.code == "adb.connect-failed"
        await server.disconnect("127.0.0.1:1")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux names the owner of a port")
def test_the_owner_of_a_port_is_found_and_of_a_free_port_nobody() -> None:
    with socket.socket() as mine:
        mine.bind(("127.0.0.1", 0))
        mine.listen()
        owner = port_owner(mine.getsockname()[1])
    assert owner == PortOwner(os.getpid(), os.readlink("/proc/self/exe"))
    assert port_owner(free_port()) is None


def test_where_proc_says_nothing_the_owner_is_unknown(tmp_path: Path) -> None:
    assert port_owner(5037, tmp_path) is None


# -- watching ----------------------------------------------------------------------------------------------------------


async def test_a_watch_survives_the_death_of_the_server_and_sees_the_phones_again(tmp_path: Path) -> None:
    async with adb_bench(tmp_path) as bench:
        lists = bench.transport.watch().__aiter__()
        while not any(link.state.usable for link in await anext(lists)):
            pass
        owner = port_owner(bench.server.address.port)
        assert owner is not None
        os.kill(owner.pid, signal.SIGKILL)
        async with asyncio.timeout(10):
            while await anext(lists) != ():
                pass
            assert bench.transport.trouble is not None
            while not any(link.state.usable for link in await anext(lists)):
                pass
        assert bench.transport.trouble is None
        device = await bench.open()
        assert (await device.identify(deadline_s=10)).serial == bench.phone.serial
        await device.close()


async def test_a_pulled_network_phone_goes_offline_and_comes_back(tmp_path: Path) -> None:
    async with adb_bench(tmp_path) as bench:
        await bench.link()
        bench.phone.unplug()
        offline = await bench.link(state=LinkState.OFFLINE)
        await bench.phone.plug()
        again = await bench.link(seconds=20)
        assert again.port == offline.port


async def test_a_short_unplug_is_a_flap_and_a_long_one_an_unplug(tmp_path: Path) -> None:
    async with adb_bench(tmp_path, connect=False) as bench, asyncio.timeout(40):
        changes = Discovery([bench.transport], flap_s=2.0).changes().__aiter__()
        await bench.server.connect(bench.phone.address)
        appeared = await anext(changes)
        while not appeared.link.state.usable:  # adb shows a phone as connecting for a moment
            appeared = await anext(changes)
        bench.phone.flap(0.2)
        flapped = await anext(changes)
        assert (flapped.kind, flapped.flaps, flapped.link.state) == ("changed", 1, LinkState.DEVICE)
        bench.phone.unplug()
        gone = await anext(changes)
        assert (gone.kind, gone.flaps) == ("gone", 1)
        assert bench.transport.trouble is None
        await changes.aclose()  # type: ignore[attr-defined]


async def test_an_error_survives_the_way_to_another_process(tmp_path: Path) -> None:
    import pickle

    async with running(AdbServer(home=tmp_path)) as server:
        with pytest.raises(DriverError) as caught:
            await ask(server.address, "host:nonsense")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), again.code, again.what) == (type(caught.value), caught.value.code, caught.value.what)
