"""The adb server's smart socket and the shell v2 stream, with one deadline over everything on a connection.

Stands on blocking sockets of the standard library. adbutils' own connection is not used here: when the server is away
it runs `adb start-server` by itself (on another port than the one asked for), its timeout counts for each read
anew so that a phone that drips outlives it, and it takes a cut stream for a whole one (measured with adbutils 2.12.0).
Must not know scripts, devices or threads; `Wire.abort` is the one call that may come from another thread.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass

from drivers import adb_errors
from drivers.api import DriverError, Link, LinkState

__all__ = ["Deadline", "ServerAddress", "ShellStream", "Wire", "parse_devices", "request"]

#: The largest frame adbd sends in a shell stream: its MAX_PAYLOAD (adb.h, Android 9 and later); older phones send less.
MAX_FRAME = 1024 * 1024
#: Longest service string: the smart socket gives its length as four hexadecimal digits.
MAX_SERVICE = 0xFFFF

#: Bytes that a stream brings as fast as it can, and bytes a second after these. No answer of a batch is kept beyond
#: some megabytes, and USB 2 brings 40 MB/s at most: a phone that goes on and on must not take the bench's processors,
#: which the adb server and this process need for the other phones.
FREELY, BYTES_PER_S = 4 * 1024 * 1024, 16 * 1024 * 1024

#: Bytes asked of the socket at once. Below what a C library takes from the system for each call and gives back (128 kB
#: in glibc, M_MMAP_THRESHOLD): with 256 kB a small answer took four times as long (measured).
_READ = 64 * 1024
#: AOSP packages/modules/adb/shell_protocol.h: kIdExit, kIdStdout, kIdStderr.
_EXIT, _STDOUT, _STDERR = 3, 1, 2


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock by which a whole operation must have ended; `seconds` is what was granted."""

    seconds: float
    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The deadline `seconds` from now."""
        return cls(seconds, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds that are left, never negative."""
        return max(0.0, self.at - time.monotonic())


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where an adb server listens: TCP (`host`, `port`) or a unix socket (`path`; a first NUL means abstract)."""

    host: str = "127.0.0.1"
    port: int = 5037
    path: str = ""

    @classmethod
    def parse(cls, spec: str) -> ServerAddress | None:
        """The address in adb's own notation (`tcp:5037`, `tcp:host:5037`, `localfilesystem:/path`), else None."""
        kind, _, rest = spec.partition(":")
        if kind == "tcp":
            host, _, port = rest.rpartition(":")
            if port.isascii() and port.isdigit() and 0 < int(port) < 65536:
                return cls(host.strip("[]") or "127.0.0.1", int(port))
        if kind in ("localfilesystem", "local") and rest:
            return cls(path=rest)
        if kind == "localabstract" and rest:
            return cls(path="\0" + rest)
        return None

    def connect(self, timeout_s: float) -> socket.socket:
        """A connected socket; raises OSError."""
        if self.path:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.settimeout(timeout_s)
                sock.connect(self.path)
            except OSError:
                sock.close()
                raise
            return sock
        sock = socket.create_connection((self.host, self.port), timeout=timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def __str__(self) -> str:
        return self.path.replace("\0", "@") if self.path else f"{self.host}:{self.port}"


def request(service: str) -> bytes:
    """A smart-socket request: length in four hexadecimal digits, then the service; raises ValueError if too long."""
    data = service.encode("utf-8", "replace")
    if len(data) > MAX_SERVICE:
        raise ValueError(f"service of {len(data)} bytes")
    return b"%04x%s" % (len(data), data)


class Wire:
    """One connection to the adb server with one deadline over all of it.

    Every call raises a DriverError: `ServerDown` while only the server has had its say, `NoAnswer` after the phone's
    turn began, `closed_by_us` after `abort`.
    """

    def __init__(self, address: ServerAddress, deadline: Deadline) -> None:
        self._address, self.deadline = address, deadline
        self._sock: socket.socket | None = None
        self._aborted = False
        self._phones_turn = False
        self._told, self._told_since = 0, 0.0

    def connect(self) -> None:
        """Connect to the server."""
        if self._aborted:
            raise adb_errors.closed_by_us()
        try:
            self._sock = self._address.connect(max(self.deadline.left, 0.001))
        except TimeoutError:
            raise adb_errors.server_silent(str(self._address)) from None
        except OSError:
            raise adb_errors.server_away(str(self._address)) from None
        if self._aborted:
            self.close()
            raise adb_errors.closed_by_us()

    def ask(self, service: str) -> None:
        """Send a request and take its OKAY; a FAIL becomes the DriverError that its message stands for."""
        self.send(request(service))
        self.okay()

    def okay(self) -> None:
        """Take an OKAY, or raise what a FAIL says."""
        status = self.exactly(4)
        if status == b"FAIL":
            raise adb_errors.refusal(self.block().decode("utf-8", "replace"))
        if status != b"OKAY":
            raise adb_errors.garbled("status")

    def block(self) -> bytes:
        """A block led by its length in four hexadecimal digits."""
        digits = self.exactly(4)
        if not re.fullmatch(rb"[0-9a-fA-F]{4}", digits):
            raise adb_errors.garbled("length")
        return self.exactly(int(digits, 16))

    def transport(self, key: str) -> None:
        """Connect, and bind the connection to the phone with this transport id; from here it is the phone's turn."""
        self.connect()
        self.ask(f"host:transport-id:{key}")
        self._phones_turn = True

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        view = memoryview(data)
        while view:
            sock = self._ready()
            try:
                sent = sock.send(view[: 1 << 20])
            except TimeoutError:
                raise self._late() from None
            except OSError:
                raise self._broken() from None
            view = view[sent:]

    def receive(self, limit: int = _READ) -> bytes:
        """What has arrived, at least one byte; `b""` when the other side has closed or reset the stream."""
        sock = self._ready()
        try:
            data = sock.recv(limit)
        except TimeoutError:
            raise self._late() from None
        except OSError:
            data = b""
        if not data and self._aborted:
            raise adb_errors.closed_by_us() if self.deadline.left else self._late()
        return data

    def listen(self) -> bytes:
        """As `receive`, for what a phone says as long as it likes: after `FREELY` bytes at most `BYTES_PER_S`."""
        data = self.receive()
        self._told_since = self._told_since or time.monotonic()
        self._told += len(data)
        early_s = self._told_since + (self._told - FREELY) / BYTES_PER_S - time.monotonic()
        if early_s > 0:
            time.sleep(min(early_s, self.deadline.left))
        return data

    def exactly(self, size: int) -> bytes:
        """Exactly `size` bytes; raises OutputCut (or what stands behind it) when the stream ends before."""
        parts, missing = [], size
        while missing:
            data = self.receive(min(missing, _READ))
            if not data:
                raise self._broken()
            parts.append(data)
            missing -= len(data)
        return b"".join(parts)

    def abort(self) -> None:
        """Break the wire, from any thread: a blocked read or write comes back at once (closing would not free it)."""
        self._aborted = True
        sock = self._sock
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the socket; only by the thread that uses it."""
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()

    def _ready(self) -> socket.socket:
        if self._aborted:
            raise adb_errors.closed_by_us() if self.deadline.left else self._late()
        left = self.deadline.left
        if not left:
            raise self._late()
        if self._sock is None:
            raise adb_errors.closed_by_us()
        self._sock.settimeout(left)
        return self._sock

    def _late(self) -> DriverError:
        if self._phones_turn:
            return adb_errors.no_answer(self.deadline.seconds)
        return adb_errors.server_silent(str(self._address))

    def _broken(self) -> DriverError:
        if self._aborted:
            return adb_errors.closed_by_us() if self.deadline.left else self._late()
        return adb_errors.output_cut() if self._phones_turn else adb_errors.server_away(str(self._address))


class ShellStream:
    """Takes a shell v2 stream apart: frames of one byte of id, four bytes of length (little endian), payload.

    Pure. Payload is handed on as it arrives, so that a frame cut in the middle keeps its beginning. `exit_code` is
    None until the exit frame came.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self._id = 0
        self._left = 0
        self.exit_code: int | None = None

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The pieces of standard output (1) and standard error (2) in `data`; what follows the exit frame is ignored.

        Raises:
            Garbled: an unknown frame, or one longer than any phone sends.
        """
        pieces: list[tuple[int, bytes]] = []
        view, at = memoryview(data), 0
        while at < len(view) and self.exit_code is None:
            if not self._left:
                take = 5 - len(self._head)
                self._head += view[at : at + take]
                at += take
                if len(self._head) < 5:
                    break
                self._id, self._left = struct.unpack("<BI", self._head)
                self._head.clear()
                self._check()
                continue
            piece = bytes(view[at : at + self._left])
            at += len(piece)
            self._left -= len(piece)
            if self._id == _EXIT:
                self.exit_code = piece[0]
            else:
                pieces.append((self._id, piece))
        return pieces

    def _check(self) -> None:
        if self._id not in (_STDOUT, _STDERR, _EXIT):
            raise adb_errors.garbled(f"shell frame {self._id}")
        if self._left > MAX_FRAME or (self._id == _EXIT and self._left != 1):
            raise adb_errors.garbled(f"shell frame of {self._left} bytes")


#: State words of `track-devices-l` (adb 36, transport.cpp) that are not already a `LinkState`.
_STATES: Mapping[str, LinkState] = {
    **{state.value: state for state in LinkState},
    "detached": LinkState.OFFLINE,
    "no device": LinkState.OFFLINE,
}
_KEY = re.compile(r" transport_id:(\d{1,18})$", re.ASCII)
_KNOWN = re.compile(r"(?P<serial>.*?) (?P<state>no permissions|" + "|".join(_STATES) + r")(?P<rest>(?![\w-]).*)")
_STRANGE = re.compile(r"(?P<serial>\S+) (?P<state>[a-z]+)(?P<rest>(?: .*)?)")
_PORT = re.compile(r" (usb:\S+)")
_MODEL = re.compile(r" model:(\S+)")


def parse_devices(text: str, *, simulated: bool = False) -> tuple[Link, ...]:
    """The links in one answer of `host:track-devices-l`; a line that cannot be read is left out.

    A USB phone's port is its devpath (`usb:1-1.2`); a network phone has none, there its address is its port.
    """
    links = []
    for line in text.split("\n"):
        line = " ".join(line.split())
        key = _KEY.search(line)
        head = line[: key.start()] if key else ""
        found = _KNOWN.fullmatch(head) or _STRANGE.fullmatch(head)
        if key is None or found is None:
            continue
        word, rest, serial = found["state"], found["rest"], found["serial"]
        state = LinkState.NO_PERMISSIONS if word == "no permissions" else _STATES.get(word, LinkState.UNKNOWN)
        path = _PORT.search(rest.split(" product:")[0])
        model = _MODEL.search(rest)
        links.append(
            Link(
                transport="adb",
                key=key[1],
                serial=serial,
                port=path[1] if path else serial,
                state=state,
                model=model[1].replace("_", " ") if model else "",
                simulated=simulated,
            )
        )
    return tuple(links)
