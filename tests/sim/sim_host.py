"""The host's side of the adb protocol, small enough to see every packet; and the real adb server as a child."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import adbutils

from drivers.sim import wire
from drivers.sim.bench import SimulatedPhone

ADB = Path(adbutils.__file__).parent / "binaries" / "adb"


class Host:
    """Connects to a simulated phone as an adb server would, one stream at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.packets = wire.PacketReader()
        self.checksum = True
        self.banner = ""
        self.local_id = 0

    @classmethod
    async def connect(cls, phone: SimulatedPhone, *, version: int = wire.VERSION_NO_CHECKSUM) -> Self:
        host, _, port = phone.address.partition(":")
        self = cls(*await asyncio.open_connection(host, int(port)))
        self.send(wire.CNXN, version, wire.MAX_PAYLOAD, b"host::features=shell_v2,cmd")
        answer = await self.packet()
        assert answer.command == wire.CNXN, hex(answer.command)
        self.banner = answer.payload.decode()
        self.checksum = self.packets.checksum = min(version, answer.arg0) < wire.VERSION_NO_CHECKSUM
        return self

    def send(self, command: int, arg0: int, arg1: int, payload: bytes = b"") -> None:
        self._writer.write(wire.pack(command, arg0, arg1, payload, checksum=self.checksum))

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def packet(self) -> wire.Packet:
        """The next packet; raises EOFError when the phone has gone."""
        while (packet := self.packets.next()) is None:
            try:
                async with asyncio.timeout(20):
                    data = await self._reader.read(65536)
            except ConnectionResetError:
                raise EOFError from None
            if not data:
                raise EOFError
            self.packets.feed(data)
        return packet

    async def open(self, service: str) -> int | None:
        """The phone's id of the opened stream, None when it refused."""
        self.local_id += 1
        self.send(wire.OPEN, self.local_id, 0, service.encode() + b"\0")
        packet = await self.packet()
        return None if packet.command == wire.CLSE else packet.arg0

    async def read_all(self, service: str) -> bytes:
        """Everything that the service says until it closes."""
        remote = await self.open(service)
        assert remote is not None, f"{service} refused"
        out = b""
        while (packet := await self.packet()).command != wire.CLSE:
            if packet.command == wire.WRTE:
                out += packet.payload
                self.send(wire.OKAY, self.local_id, remote)
        return out

    async def shell(self, script: str) -> Ran:
        return unframed(await self.read_all(f"shell,v2,raw:{script}"))

    def close(self) -> None:
        self._writer.close()


@dataclass
class Ran:
    """What a script gave over the shell protocol."""

    stdout: bytes = b""
    stderr: bytes = b""
    code: int | None = None
    rest: bytes = b""

    @property
    def text(self) -> str:
        return self.stdout.decode()


def unframed(data: bytes) -> Ran:
    ran = Ran()
    while len(data) >= 5:
        kind, size = data[0], int.from_bytes(data[1:5], "little")
        if kind > 5 or len(data) < 5 + size:
            break
        body, data = data[5 : 5 + size], data[5 + size :]
        if kind == 1:
            ran.stdout += body
        elif kind == 2:
            ran.stderr += body
        elif kind == 3:
            ran.code = body[0]
    ran.rest = data
    return ran


@dataclass
class AdbServer:
    """The bundled adb as a server of its own, with its own keys."""

    home: Path
    port: int
    process: asyncio.subprocess.Process | None = None
    env: dict[str, str] = field(default_factory=dict)

    async def start(self) -> None:
        # Without ADB_LIBUSB=0 the first command waits 3 s for a USB scan that finds nothing (adb 36.0.0, measured).
        self.env = {"HOME": str(self.home), "PATH": os.defpath, "ADB_LIBUSB": "0"}
        self.process = await asyncio.create_subprocess_exec(
            ADB,
            *("-L", f"tcp:{self.port}", "server", "nodaemon"),
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        await until((self.home / ".android" / "adbkey.pub").exists)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def start_command(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            ADB,
            *("-P", str(self.port), *arguments),
            env=self.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    async def __call__(self, *arguments: str, stdin: bytes = b"") -> Finished:
        process = await self.start_command(*arguments)
        async with asyncio.timeout(30):
            out, err = await process.communicate(stdin)
        assert process.returncode is not None
        return Finished(out, err, process.returncode)

    async def state(self, phone: SimulatedPhone, *, is_now: str) -> None:
        """Wait until adb calls the phone that."""
        async with asyncio.timeout(20):
            while True:
                if f"{phone.address}\t{is_now}\n" in (await self("devices")).text:
                    return
                await asyncio.sleep(0.03)


@dataclass(frozen=True)
class Finished:
    """How one adb command ended."""

    stdout: bytes
    stderr: bytes
    code: int

    @property
    def text(self) -> str:
        return self.stdout.decode()


async def until(condition: Callable[[], object], *, within_s: float = 20.0) -> None:
    """Wait for something that nobody announces; TimeoutError when it does not come."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
