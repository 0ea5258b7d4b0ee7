"""The adb server of this bench: ours and kept alive, or another's and left alone.

The real `adb` binary that adbutils bundles runs as a supervised child, `adb -L tcp:PORT server nodaemon`:
its life and its log are ours (`adb start-server` was seen to hang under load, and forks away from us). A server that
was there before is used when it speaks our version and is otherwise named with the program that owns the port; nothing
here ever sends `host:kill`. Must not know phones.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib.util
import logging
import os
import re
import socket
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tenacity import wait_exponential
from tenacity.wait import wait_base

from drivers import adb_errors
from drivers.adb_wire import ServerAddress, request
from drivers.api import DriverError, ServerDown

__all__ = ["SERVER_VERSION", "AdbServer", "PortOwner", "bundled_adb", "named_server", "port_owner", "server_version"]

#: The version word of `host:version` that the bundled binary speaks; 41 since platform-tools 29 (adb 1.0.41).
SERVER_VERSION = 41
DEFAULT_PORT = 5037
T = TypeVar("T")

_START_S = 10.0  # measured: up within 0.1 s; 10 s is a bench under heavy load
_QUERY_S = 2.0
#: Seconds between two looks whether a server still answers, those that it gets for it, and looks in vain in a row after
#: which it hangs: half a minute, which no load of a bench explains.
LOOK_S, LOOK_WAIT_S, LOOKS = 5.0, 5.0, 3
_SETTLED_S = 30.0  # a server that lived this long starts again with the shortest pause
_log = logging.getLogger(__name__)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def bundled_adb() -> Path:
    """The adb binary that comes with adbutils, found without importing adbutils (0.3 s); raises ServerDown."""
    spec = importlib.util.find_spec("adbutils")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "binaries" / ("adb.exe" if os.name == "nt" else "adb")
        if binary.is_file():
            return binary
    raise adb_errors.server_cannot_start("adbutils is installed without its adb binary")


def named_server(environ: Mapping[str, str]) -> ServerAddress | None:
    """The adb server that the environment names, with the precedence of adb itself; raises ServerDown for nonsense."""
    if spec := environ.get("ADB_SERVER_SOCKET"):
        address = ServerAddress.parse(spec)
        if address is None:
            raise adb_errors.server_setting("ADB_SERVER_SOCKET", spec)
        return address
    if port := environ.get("ANDROID_ADB_SERVER_PORT"):
        address = ServerAddress.parse(f"tcp:{port}")
        if address is None:
            raise adb_errors.server_setting("ANDROID_ADB_SERVER_PORT", port)
        host = environ.get("ANDROID_ADB_SERVER_ADDRESS") or environ.get("ANDROID_ADB_SERVER_HOST")
        return ServerAddress(host or address.host, address.port)
    return None


@dataclass(frozen=True, slots=True)
class PortOwner:
    """The program that listens on a port."""

    pid: int
    program: str

    def __str__(self) -> str:
        return f"{self.program} (pid {self.pid})"


def port_owner(port: int, proc: Path = Path("/proc")) -> PortOwner | None:
    """Who listens on a TCP port of this machine, where `/proc` says so (Linux); None when it does not."""
    inodes = _listening(port, proc)
    for process in proc.iterdir():
        if process.name.isdigit() and inodes & _socket_inodes(process):
            return PortOwner(int(process.name), _program(process))
    return None


def _listens(pid: int, port: int, proc: Path = Path("/proc")) -> bool:
    """Whether that process listens on that port; where nothing can be known (no `/proc`), yes."""
    return not (proc / str(pid)).exists() or bool(_listening(port, proc) & _socket_inodes(proc / str(pid)))


def _listening(port: int, proc: Path) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for row in (proc / "net" / table).read_text().splitlines()[1:]:
                field = row.split()
                # local address is HEXADDRESS:HEXPORT; state 0A is LISTEN (proc(5), include/net/tcp_states.h)
                if len(field) > 9 and field[3] == "0A" and int(field[1].rpartition(":")[2], 16) == port:
                    inodes.add(field[9])
    return inodes


def _socket_inodes(process: Path) -> set[str]:
    inodes = set()
    with contextlib.suppress(OSError):
        for handle in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                if found := re.fullmatch(r"socket:\[(\d+)\]", str(handle.readlink())):
                    inodes.add(found[1])
    return inodes


def _program(process: Path) -> str:
    with contextlib.suppress(OSError):
        return str((process / "exe").readlink())
    with contextlib.suppress(OSError):
        return (process / "comm").read_text().strip()
    return "?"


async def ask(address: ServerAddress, service: str, timeout_s: float = _QUERY_S) -> bytes:
    """One request to the server itself, and the block it answers with; raises a DriverError."""
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await open_stream(address)
            try:
                await subscribe(reader, writer, service)
                return await read_block(reader)
            finally:
                writer.close()
    except TimeoutError:
        raise adb_errors.server_silent(str(address)) from None


async def open_stream(address: ServerAddress) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the server; raises ServerDown."""
    try:
        if address.path:
            return await asyncio.open_unix_connection(address.path)
        return await asyncio.open_connection(address.host, address.port)
    except OSError:
        raise adb_errors.server_away(str(address)) from None


async def subscribe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: str) -> None:
    """Send a request and take its OKAY; raises a DriverError."""
    writer.write(request(service))
    try:
        status = await reader.readexactly(4)
        if status == b"FAIL":
            raise adb_errors.refusal((await read_block(reader)).decode("utf-8", "replace"))
    except (asyncio.IncompleteReadError, OSError):
        raise adb_errors.server_away("adb") from None
    if status != b"OKAY":
        raise adb_errors.garbled("status")


async def read_block(reader: asyncio.StreamReader) -> bytes:
    """A block led by its length in four hexadecimal digits (so at most 65,535 bytes); raises a DriverError."""
    try:
        digits = await reader.readexactly(4)
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", digits):
            raise adb_errors.garbled("length")
        return await reader.readexactly(int(digits, 16))
    except (asyncio.IncompleteReadError, OSError):
        raise adb_errors.server_away("adb") from None


async def _drained(reader: asyncio.StreamReader) -> None:
    """Read what comes; raises ServerDown at its end."""
    while True:
        await read_block(reader)


async def server_version(address: ServerAddress, timeout_s: float = _QUERY_S) -> int:
    """What `host:version` says; raises ServerDown when nothing listens or what listens is no adb server."""
    answer = await ask(address, "host:version", timeout_s)
    try:
        return int(answer, 16)
    except ValueError:
        raise adb_errors.garbled("version") from None


class AdbServer:
    """One adb server: started, watched, started again; or used as it is found.

    Three ways to be:
    - `home` given: a private server for simulated phones, on `port` or any free one, with its own key folder. It takes
      no USB device and scans for no emulator, so it cannot take a phone away from a real bench.
    - the environment names a server (see `named_server`): that one is used; none is started and none is ended.
    - else: the bench's own server on `port` or 5037. A compatible server found there is used and not ended.

    Attributes:
        address: where the server listens.
        trouble: why the server cannot be used right now, or None.
        owned: whether the running server is our child.
        ended: how many servers have ended so far; what one of them called its phones means nothing to the next.
    """

    def __init__(
        self,
        port: int | None = None,
        *,
        home: Path | None = None,
        log: Path | None = None,
        environ: Mapping[str, str] | None = None,
        backoff: wait_base | None = None,
    ) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._home, self._log = home, log or (home / "adb-server.log" if home else None)
        self._backoff = backoff or wait_exponential(multiplier=0.1, max=5.0)
        self.trouble: DriverError | None = None
        self._setting_trouble: DriverError | None = None
        self._named, self._port = False, port
        self.address = self._address(port)
        self.owned = False
        self.ended = 0
        self._over = asyncio.Event()
        self._network: set[str] = set()
        self._ready = asyncio.Event()
        self._settled = asyncio.Event()
        self._supervisor: asyncio.Task[None] | None = None
        self._child: asyncio.subprocess.Process | None = None

    def _address(self, port: int | None) -> ServerAddress:
        if self._home is None:
            try:
                named = named_server(self._environ)
            except ServerDown as error:
                self.trouble = self._setting_trouble = error
                return ServerAddress(port=port or DEFAULT_PORT)
            if named is not None:
                self._named = True
                return named
        return ServerAddress(port=port or (_free_port() if self._home else DEFAULT_PORT))

    async def start(self) -> None:
        """Begin to supervise; comes back when the server is usable or `trouble` says why not."""
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(self._supervise(), name="adb-server")
        await self._settled.wait()

    async def ready(self) -> None:
        """Wait until the server is usable."""
        await self._ready.wait()

    async def over(self, ended: int) -> None:
        """Wait until more than so many servers have ended, or were given up because they hung."""
        while self.ended <= ended:
            await self._over.wait()

    async def close(self) -> None:
        """Stop supervising and end the server if it is our child."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        await self._end_child()
        self._ready.clear()

    async def connect(self, address: str, *, timeout_s: float = 10.0) -> None:
        """Let the server connect to a phone on the network (`host:port`); raises NoAnswer when none is there.

        A server of ours that has to be started again is told again: adb itself forgets them.
        """
        self._network.add(address)
        said = (await ask(self.address, f"host:connect:{address}", timeout_s)).decode("utf-8", "replace")
        # A phone that does not trust us yet is connected all the same: its state says so.
        if not re.match(r"(already )?connected to|failed to authenticate", said):
            raise adb_errors.no_answer_at_plug(address, said)

    async def disconnect(self, address: str) -> None:
        """Let go of a phone on the network; no trouble when it is not there any more."""
        self._network.discard(address)
        with contextlib.suppress(DriverError):
            await ask(self.address, f"host:disconnect:{address}")

    async def _supervise(self) -> None:
        attempt = _Attempts(self._backoff)
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._serve_once()
            except DriverError as error:
                self.trouble = error
            except Exception as error:
                _log.exception("the supervision of the adb server broke")
                self.trouble = adb_errors.server_cannot_start(f"{type(error).__name__}: {error}")
            finally:
                self._ready.clear()
                self.owned = False
                self.ended += 1  # before another one can be there
                self._over.set()
                self._over = asyncio.Event()
            self._settled.set()
            if asyncio.get_running_loop().time() - began > _SETTLED_S:
                attempt.reset()
            await asyncio.sleep(attempt.pause())

    async def _serve_once(self) -> None:
        """Bring one server up and stay until it is gone; always ends in a DriverError."""
        if self._setting_trouble is not None:
            raise self._setting_trouble
        if self._home is not None:
            await self._run_child()
        try:
            version = await server_version(self.address)
        except ServerDown as error:
            if error.code != "adb.server-away":
                raise await self._foreign("no answer") from None
            if self._named:
                raise
            await self._run_child()
            return
        except DriverError:
            raise await self._foreign("not an adb server") from None
        if version != SERVER_VERSION:
            raise await self._foreign(f"adb server version {version}")
        await self._watch_other()

    async def _foreign(self, what: str) -> ServerDown:
        owner = None if self.address.path else await asyncio.to_thread(port_owner, self.address.port)
        return adb_errors.foreign_server(str(self.address), what, str(owner) if owner else "?")

    async def _watch_other(self) -> None:
        """Stay while a server that is not ours is there and answers: a subscription ends the moment it does."""
        reader, writer = await open_stream(self.address)
        try:
            await subscribe(reader, writer, "host:track-devices")
            self._usable()
            await self._unless_it_hangs(_drained(reader))
            raise adb_errors.server_silent(str(self.address))
        finally:
            writer.close()

    async def _unless_it_hangs(self, end: Coroutine[Any, Any, T]) -> T | None:
        """What the server's end comes to; None as soon as it is there and has answered nothing for a while."""
        ending, vain = asyncio.ensure_future(end), 0
        try:
            while vain < LOOKS:
                await asyncio.wait({ending}, timeout=LOOK_S)
                if ending.done():
                    return ending.result()
                try:
                    await server_version(self.address, LOOK_WAIT_S)
                    vain = 0
                except DriverError:
                    vain += 1
            return None
        finally:
            ending.cancel()

    async def _run_child(self) -> None:
        """Start our own server and stay while it lives and answers; raises ServerDown."""
        failed = self.trouble is not None and self.trouble.code == "adb.server-start"
        if failed and self._home is not None and self._port is None:
            self.address = self._address(None)  # most likely somebody was quicker to take the free port
        child = self._child = await self._spawn()
        try:
            await self._wait_until_up(child)
            self.owned = True
            self._usable()
            async with asyncio.TaskGroup() as tasks:
                for address in self._network:
                    tasks.create_task(self._connect_again(address))
                code = await self._unless_it_hangs(child.wait())
        finally:
            await self._end_child()
        raise adb_errors.server_silent(str(self.address)) if code is None else adb_errors.server_ended(code)

    async def _connect_again(self, address: str) -> None:
        with contextlib.suppress(DriverError):  # whoever asked for it first sees in the list that it is not there
            await ask(self.address, f"host:connect:{address}", _START_S)

    async def _spawn(self) -> asyncio.subprocess.Process:
        binary = bundled_adb()
        arguments = ["-L", f"tcp:{self.address.port}"]  # a host name is refused; without one it is loopback only
        if self._home is not None:
            # With the name of a USB device that cannot be, the server opens none (adb help: --one-device).
            arguments += ["--one-device", "no-usb-in-simulation"]
        try:
            if self._home is not None:
                self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = open(self._log, "wb") if self._log else None  # noqa: ASYNC230, SIM115 - a small local file, closed below
        except OSError as error:
            raise adb_errors.server_cannot_start(str(error)) from None
        try:
            return await asyncio.create_subprocess_exec(
                binary,
                *arguments,
                "server",
                "nodaemon",
                env=self._child_environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log or asyncio.subprocess.DEVNULL,
                stderr=log or asyncio.subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent() if self._home else None,
            )
        except OSError as error:
            raise adb_errors.server_cannot_start(str(error)) from None
        finally:
            if log:
                log.close()

    def _child_environment(self) -> dict[str, str]:
        drop = {"ADB_TRACE", "ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_PORT", "ANDROID_SERIAL"}
        if self._home is not None:
            drop |= {"ADB_VENDOR_KEYS", "ANDROID_SDK_HOME"}
        environ = {key: value for key, value in self._environ.items() if key not in drop}
        # Another program's `adb kill-server` must not end the server in the middle of a job (adb 36).
        environ["ADB_REJECT_KILL_SERVER"] = "1"
        if self._home is not None:
            environ["HOME"] = environ["ANDROID_USER_HOME"] = str(self._home)  # where its adbkey lies
            # No USB (and no libusb, whose failure costs 3 s at start where there is no bus), emulators or mDNS.
            environ |= {"ADB_USB": "0", "ADB_LIBUSB": "0", "ADB_EMU": "0", "ADB_MDNS": "0"}
        return environ

    async def _wait_until_up(self, child: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + _START_S
        while loop.time() < until:
            if child.returncode is not None:
                raise adb_errors.server_cannot_start(self._last_words() or f"code {child.returncode}")
            # Another server may have taken the port in the meantime: its answer is not our child's.
            if _listens(child.pid, self.address.port):
                with contextlib.suppress(DriverError):
                    await server_version(self.address)
                    return
            await asyncio.sleep(0.02)
        raise adb_errors.server_cannot_start(self._last_words() or f"silent for {_START_S:g} s")

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._log.read_text("utf-8", "replace").strip().splitlines() if self._log else []
            return lines[-1] if lines else ""
        return ""

    def _usable(self) -> None:
        self.trouble = None
        self._ready.set()
        self._settled.set()

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None or child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            async with asyncio.timeout(2.0):
                await child.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


class _Attempts:
    """Counts failed starts for tenacity's wait strategies, which look at nothing but the number."""

    def __init__(self, backoff: wait_base) -> None:
        from tenacity import RetryCallState, Retrying

        self._backoff = backoff
        self._state = RetryCallState(Retrying(), None, (), {})

    def pause(self) -> float:
        """Seconds to wait before the next start."""
        pause = self._backoff(self._state)
        self._state.attempt_number += 1
        return float(pause)

    def reset(self) -> None:
        self._state.attempt_number = 1


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> Callable[[], None] | None:
    """For the child: end when we are killed. Only for private servers; a real bench's server may be in the middle of a
    message to a phone, outlives us, and is found again by the next start."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, 15, 0, 0, 0)

    return in_child
