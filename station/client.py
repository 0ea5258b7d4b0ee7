"""How a screen or a command attaches to the engine: commands up, the newest snapshots down.

`attach_or_host` finds the engine of a data folder, starts one beside it, or hosts one in this process. A client that
dies changes nothing for the engine; an engine that dies is said so by a `Trouble`. It knows messages and no device.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.api import Side
from drivers.text import Words
from station import local_socket
from station import messages as m
from station.errors import EXIT_NO, Trouble

if TYPE_CHECKING:
    from drivers.api import Transport
    from station.engine import Engine
    from station.settings import Settings

__all__ = ["Client", "attach_or_host", "transports_of"]

#: Seconds in which an engine that was just started must answer: a cold start loads every probe and folds open tickets.
START_S = 20.0


class Client:
    """An open attachment to an engine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ids = itertools.count(1)
        self._calls: dict[int, asyncio.Future[m.Ok]] = {}
        self._bench: m.BenchSnapshot | None = None
        self._session: m.SessionView | None = None
        self._heard = asyncio.Condition()
        self._gone: Trouble | None = None
        self._listener: asyncio.Task[None] | None = None
        self._end_host: Callable[[], Awaitable[None]] | None = None
        self.engine: m.Hello | None = None

    @classmethod
    async def connect(cls, data_dir: Path) -> Client:
        """Attach to the running engine of a data folder.

        Raises:
            Trouble: none runs, or it speaks another protocol.
        """
        try:
            reader, writer = await local_socket.dial(data_dir)
        except OSError:
            raise Trouble("engine.not-running", _NOT_RUNNING, Side.BENCH, _START) from None
        client = cls(reader, writer)
        try:
            await client._greet()
        except BaseException:
            writer.close()
            raise
        client._listener = asyncio.create_task(client._listen(), name="engine-client")
        return client

    async def _greet(self) -> None:
        try:
            async with asyncio.timeout(5):
                line = await self._reader.readline()
            self.engine = m.Hello.model_validate_json(line)
        except (TimeoutError, ConnectionError, ValueError):
            raise Trouble("engine.silent", _SILENT, Side.BENCH, _STOP_IT) from None
        if self.engine.protocol != m.PROTOCOL:
            raise Trouble("engine.version", _OTHER.fill(version=self.engine.version), Side.BENCH, _STOP_IT)

    async def send(self, command: m.Command) -> m.Ok:
        """Have the engine do one thing.

        Raises:
            Trouble: the engine refused (nothing was changed), or is gone.
        """
        if self._gone is not None:
            raise self._gone
        call = m.Call(id=next(self._ids), command=command)
        reply: asyncio.Future[m.Ok] = asyncio.get_running_loop().create_future()
        self._calls[call.id] = reply
        try:
            self._writer.write(call.model_dump_json().encode() + b"\n")
            with contextlib.suppress(ConnectionError):  # the listener says that it is gone
                await self._writer.drain()
            return await reply
        finally:
            self._calls.pop(call.id, None)

    async def bench(self) -> AsyncIterator[m.BenchSnapshot]:
        """The bench now and at each change; versions in between may be left out.

        Raises:
            Trouble: the engine is gone.
        """
        shown: m.BenchSnapshot | None = None
        while True:
            async with self._heard:
                await self._heard.wait_for(lambda shown=shown: self._gone or self._bench is not shown)  # type: ignore[misc]
                shown = self._bench
            if self._gone is not None:
                raise self._gone
            if shown is not None:
                yield shown

    async def session(self) -> AsyncIterator[m.SessionView]:
        """The watched slot now and at each change (after `Watch`).

        Raises:
            Trouble: the engine is gone.
        """
        shown: m.SessionView | None = None
        while True:
            async with self._heard:
                await self._heard.wait_for(lambda shown=shown: self._gone or self._session is not shown)  # type: ignore[misc]
                shown = self._session
            if self._gone is not None:
                raise self._gone
            if shown is not None:
                yield shown

    async def ended(self) -> None:
        """Wait until the engine is gone."""
        async with self._heard:
            await self._heard.wait_for(lambda: self._gone is not None)

    async def close(self) -> None:
        """Detach; an engine that this client hosts is ended in order."""
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        if self._end_host is not None:
            await self._end_host()

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                await self._take(line)
        except (ConnectionError, ValueError):
            pass
        finally:
            self._gone = Trouble("engine.gone", _GONE, Side.BENCH, _START)
            for reply in self._calls.values():
                if not reply.done():
                    reply.set_exception(self._gone)
                    reply.exception()  # seen: nobody may be waiting any more
            with contextlib.suppress(asyncio.CancelledError):
                async with self._heard:
                    self._heard.notify_all()

    async def _take(self, line: bytes) -> None:
        kind = json.loads(line)["type"]
        if kind in ("ok", "refusal"):
            self._settle(m.REPLY.validate_json(line))
            return
        async with self._heard:
            if kind == "bench":
                self._bench = m.BenchSnapshot.model_validate_json(line)
            elif kind == "session":
                self._session = m.SessionView.model_validate_json(line)
            self._heard.notify_all()

    def _settle(self, reply: m.Ok | m.Refusal) -> None:
        waiting = self._calls.get(reply.id)
        if waiting is None or waiting.done():
            return
        if isinstance(reply, m.Ok):
            waiting.set_result(reply)
        else:
            side = Side(reply.side)
            waiting.set_exception(Trouble(reply.code, reply.what, side, reply.next_step, reply.exit_code))


# --- finding, starting, hosting --------------------------------------------------------------------------------------


async def attach_or_host(
    data_dir: Path, *, spawn: bool = False, transports: Sequence[Transport] | None = None
) -> Client:
    """A client of the folder's engine, which is started when none runs.

    Args:
        spawn: start the engine as a process of its own, which goes on when this one ends (a screen); else it lives in
            this process until the client is closed (a command).
        transports: the ways to phones of a hosted engine; None: this station's own. Empty: no phones are needed; an
            engine that has none is then good enough, and otherwise waited for until it ends.

    Raises:
        Trouble: the station is not enrolled, or the engine does not start.
    """
    until = asyncio.get_running_loop().time() + START_S
    while True:
        with contextlib.suppress(_NotThere):
            client = await _attach(data_dir)
            if transports == () or client.engine is None or client.engine.phones:
                return client
            await _wait_for_its_end(client)
        try:
            return await (_spawn(data_dir) if spawn else _host(data_dir, transports))
        except Trouble as trouble:  # one that is about to answer, or has not quite ended yet
            if trouble.code != "engine.running" or asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(0.1)


async def _wait_for_its_end(client: Client) -> None:
    """A command hosts an engine without phones: it ends with the command."""
    try:
        async with asyncio.timeout(START_S):
            await client.ended()
    except TimeoutError:
        raise Trouble("engine.no-phones", _NO_PHONES, Side.BENCH, _FINISH_IT) from None
    finally:
        await client.close()


class _NotThere(Exception):
    """No engine answers."""


async def _attach(data_dir: Path) -> Client:
    try:
        return await Client.connect(data_dir)
    except Trouble as trouble:
        if trouble.code == "engine.not-running":
            raise _NotThere from trouble
        raise


async def _host(data_dir: Path, transports: Sequence[Transport] | None) -> Client:
    from station.engine import Engine
    from station.settings import load_settings

    settings = load_settings(data_dir)
    engine = Engine(settings, transports_of(settings) if transports is None else transports, linger_s=None)
    await engine.start()
    client = await Client.connect(data_dir)
    client._end_host = _closer(engine)
    return client


def _closer(engine: Engine) -> Callable[[], Awaitable[None]]:
    async def close() -> None:
        await engine.close()

    return close


async def _spawn(data_dir: Path) -> Client:
    from station.settings import load_settings

    load_settings(data_dir)  # a station that is not enrolled is said so here, not in a log
    log = data_dir / "engine.log"
    child = _start_engine(data_dir, log)
    until = asyncio.get_running_loop().time() + START_S
    while child.poll() is None and asyncio.get_running_loop().time() < until:
        with contextlib.suppress(_NotThere):
            return await _attach(data_dir)
        await asyncio.sleep(0.05)
    if child.returncode == EXIT_NO:  # another engine was faster
        raise Trouble("engine.running", _NOT_YET, Side.BENCH, _START)
    why = _last_line(log)
    raise Trouble("engine.start", _NO_START.fill(why=why), Side.BENCH, _SEE_LOG.fill(path=log))


def _start_engine(data_dir: Path, log: Path) -> subprocess.Popen[bytes]:
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "station.cli", "--data", str(data_dir), "engine"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl+C in the screen's terminal is the screen's alone
            cwd=Path(__file__).resolve().parent.parent,
        )


def _last_line(log: Path) -> str:
    lines = log.read_bytes().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""


def transports_of(settings: Settings) -> list[Transport]:
    """The ways to phones of a station.

    A simulated station never touches the bench's own adb server: it uses the one that the environment names, or a
    private one. Bug reports that a command shows are links too. Transports from outside come after ours.
    """
    from drivers.adb import AdbTransport
    from drivers.adb_server import AdbServer, named_server
    from drivers.bugreport import BugreportTransport
    from drivers.outside import outside_transports
    from station.bug_reports import report_folder

    private = settings.simulated and named_server(os.environ) is None
    server = AdbServer(home=settings.data / "adb") if private else AdbServer()
    ours: list[Transport] = [
        AdbTransport(server, simulated=settings.simulated),
        BugreportTransport(report_folder(settings.data), simulated=settings.simulated),
    ]
    return [*ours, *outside_transports([each.name for each in ours], simulated=settings.simulated).transports]


_NOT_RUNNING = Words("No engine runs on this data folder", "该数据目录没有引擎在运行")
_START = Words("Start it again: `assay engine`, or open the screen again", "请重新启动：`assay engine`，或重新打开界面")
_SILENT = Words("The engine does not answer", "引擎没有响应")
_STOP_IT = Words("End it and start it again: assay engine --stop", "请停止后重新启动：assay engine --stop")
_OTHER = Words("The engine that runs is another version ({version})", "正在运行的引擎是其他版本（{version}）")
_GONE = Words("The engine is gone; what it wrote down is kept", "引擎已退出；已记录的内容均已保存")
_NO_PHONES = Words("Another command works on this station without phones", "另一命令正在使用本工位（未连接手机）")
_FINISH_IT = Words("Finish it (it may wait for a PIN), then try again", "请先完成该命令（可能在等待输入 PIN），再重试")
_NOT_YET = Words("Another engine has this data folder and does not answer", "另一引擎占用该数据目录且无响应")
_NO_START = Words("The engine did not start: {why}", "引擎未能启动：{why}")
_SEE_LOG = Words("See {path}", "请查看 {path}")
