"""What every driver offers and what everything above it may rely on.

A driver speaks one transport. It finds links (`Transport.watch`), opens them (`Transport.open`) and gives a `Device`
that offers *capabilities*: small protocols such as `Shell` or `InputEvents`. Probes bind to capabilities, never to a
class, so a real phone, a simulated one and a replayed capture are the same to them. Standard library only: no hardware
library, no screen library.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol, TypeVar, runtime_checkable

from drivers.text import Words

__all__ = [
    "Change",
    "Command",
    "CommandResult",
    "Device",
    "DeviceGone",
    "DriverError",
    "Files",
    "Garbled",
    "Heard",
    "Identity",
    "InputEvent",
    "InputEvents",
    "Link",
    "LinkState",
    "NoAnswer",
    "NotAuthorized",
    "OutputCut",
    "Refused",
    "Reverse",
    "SelfTestPage",
    "ServerDown",
    "Shell",
    "Side",
    "TooMuchOutput",
    "Transport",
    "Unsupported",
]


class Side(StrEnum):
    """Whose side a trouble is on."""

    PHONE = "phone"
    CABLE = "cable"
    BENCH = "bench"
    PERSON = "person"
    HEAD_OFFICE = "head-office"


class DriverError(Exception):
    """Something between the bench and the phone went wrong; never a statement about the phone's health.

    Attributes:
        code: stable short name, e.g. `adb.no-answer`, for logs and tests.
        what: what happened, in every language.
        side: whose side it is on.
        next_step: what the person should do next, in every language.
    """

    def __init__(self, code: str, what: Words, side: Side, next_step: Words) -> None:
        super().__init__(f"{code}: {what.en} [{side.value}] {next_step.en}")
        self.code, self.what, self.side, self.next_step = code, what, side, next_step

    def __reduce__(self) -> tuple[type[DriverError], tuple[str, Words, Side, Words]]:
        return type(self), (self.code, self.what, self.side, self.next_step)


class DeviceGone(DriverError):
    """The link to the phone is not there any more (cable pulled, phone rebooted)."""


class NoAnswer(DriverError):
    """A deadline passed before the phone had answered in full."""


class OutputCut(DriverError):
    """The stream ended before its end mark: what arrived is kept but is not the whole answer."""


class Garbled(DriverError):
    """What arrived is not the protocol that was agreed."""


class TooMuchOutput(DriverError):
    """The answer grew over its limit and was cut off by us."""


class NotAuthorized(DriverError):
    """The phone does not trust this bench (yet)."""


class Refused(DriverError):
    """The phone answered, and refused: a permission, a closed service."""


class ServerDown(DriverError):
    """The program on the bench that talks to phones (adb server, usbmuxd) is not there or is not usable."""


class Unsupported(DriverError):
    """The device does not offer the capability."""


class LinkState(StrEnum):
    """What a link can do right now, in adb's own words where adb has one."""

    DEVICE = "device"
    UNAUTHORIZED = "unauthorized"
    AUTHORIZING = "authorizing"
    CONNECTING = "connecting"
    OFFLINE = "offline"
    NO_PERMISSIONS = "no-permissions"
    RECOVERY = "recovery"
    RESCUE = "rescue"
    SIDELOAD = "sideload"
    BOOTLOADER = "bootloader"
    HOST = "host"
    UNKNOWN = "unknown"

    @property
    def usable(self) -> bool:
        """Whether checks can run over the link."""
        return self is LinkState.DEVICE


@dataclass(frozen=True, slots=True)
class Link:
    """One way to one phone, as long as it is plugged in.

    Attributes:
        transport: `adb`, `usbmux`, `usb`, `serial` or `bugreport`.
        key: unique among the present links of the transport (adb: the transport id, and which server gave it);
            changes at each plug.
        serial: the serial that the transport shows; a clone may share it with another phone.
        port: where it is plugged (`usb:1-1.2`, or the address of a network phone); the same phone in the same socket
            has the same port.
        state: what the link can do.
        model: the model as far as the transport tells it without asking the phone, else empty.
        simulated: the link ends in a simulator. Set by whoever set up the bench, never read from the phone.
        recorded: when the phone was recorded, where the link ends in a recording (a bug report) and no phone is there
            to ask, to touch or to write to; empty for a phone.
    """

    transport: str
    key: str
    serial: str
    port: str
    state: LinkState
    model: str = ""
    simulated: bool = False
    recorded: str = ""

    @property
    def id(self) -> str:
        """The name on the command line, e.g. `adb:29481FDH2000AB`."""
        return f"{self.transport}:{self.serial}"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a phone says it is; every field may be empty and none is trusted.

    `marks` are names of properties by which makers mark their own systems, those of them that the phone has.
    """

    serial: str = ""
    imeis: tuple[str, ...] = ()
    manufacturer: str = ""
    model: str = ""
    platform: str = "android"
    os_version: str = ""
    build: str = ""
    brand: str = ""
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One read-only command of a batch.

    Attributes:
        name: names its answer inside the batch; `[a-z0-9_-]+`.
        script: a line for the phone's own shell.
        timeout_s: seconds after which the phone-side watchdog ends the command.
        limit: the most bytes of standard output that are kept.
    """

    name: str
    script: str
    timeout_s: float = 10.0
    limit: int = 4 * 1024 * 1024


class CommandResult(NamedTuple):
    """What one command gave, whole or not.

    Attributes:
        name, script: the command's name and its line.
        stdout, stderr: bytes as they came, also when they are not the whole answer.
        exit_code: the command's own exit code, None when it was never seen.
        started_s: seconds from the start of the operation to the start of the command, on the phone's clock.
        seconds: how long the command ran on the phone.
        failure: why the answer is not whole, else None.
    """

    name: str
    script: str
    stdout: bytes
    stderr: bytes
    exit_code: int | None
    started_s: float
    seconds: float
    failure: DriverError | None = None

    @property
    def text(self) -> str:
        """Standard output as text: UTF-8 with replacement, line ends made LF."""
        return self.stdout.decode("utf-8", "replace").replace("\r\r\n", "\n").replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class InputEvent:
    """One kernel input event as `getevent` shows it.

    Attributes:
        time_s: seconds on the phone's monotonic clock.
        device: path such as `/dev/input/event2`.
        type, code: kernel numbers (linux/input-event-codes.h).
        value: signed value; for a key 1 is down, 0 is up, 2 is repeat.
    """

    time_s: float
    device: str
    type: int
    code: int
    value: int


#: Takes a result as soon as it is whole, with its command's place in the batch.
Heard = Callable[[int, CommandResult], None]


@runtime_checkable
class Shell(Protocol):
    """Runs commands in the phone's shell."""

    async def run(self, script: str, *, deadline_s: float, limit: int = 4 * 1024 * 1024) -> CommandResult:
        """Run one command; the deadline is over the whole operation. Never raises a DriverError: see `failure`."""
        ...

    async def batch(
        self, commands: Sequence[Command], *, deadline_s: float, heard: Heard | None = None
    ) -> list[CommandResult]:
        """Run the commands in order in one script and one open; one result for each, in their order.

        A command that could not be reached or did not end carries its `failure`; those before it keep their answers.
        Results that are whole while the phone is still at work may be passed to `heard` at once, in the caller's loop.
        """
        ...


@runtime_checkable
class Files(Protocol):
    """Moves files."""

    async def pull(self, path: str, *, deadline_s: float, limit: int) -> bytes:
        """The bytes of a file; raises a DriverError when it can't be had whole within `limit` bytes."""
        ...

    async def push(self, path: str, data: bytes, *, deadline_s: float, mode: int = 0o644) -> None:
        """Write a file on the phone (asked for and undone by the caller)."""
        ...


@runtime_checkable
class InputEvents(Protocol):
    """Live kernel input events."""

    def events(self, *, deadline_s: float) -> AbstractAsyncContextManager[AsyncIterator[InputEvent]]:
        """Open the event stream; iteration ends at the deadline and raises a DriverError when the link breaks."""
        ...

    async def describe(self, *, deadline_s: float) -> CommandResult:
        """The list of input devices and their capabilities (`getevent -lp`)."""
        ...


@runtime_checkable
class Reverse(Protocol):
    """Lets the phone reach a TCP port of the bench."""

    def reverse(self, phone_port: int, bench_port: int, *, deadline_s: float) -> AbstractAsyncContextManager[None]:
        """Open the way and take it down at the end."""
        ...


@runtime_checkable
class SelfTestPage(Protocol):
    """Shows a page of ours in the phone's own browser, over a reversed port; nothing is installed."""

    def show(self, html: bytes, *, deadline_s: float) -> AbstractAsyncContextManager[None]:
        """Open the page and keep it for the block; then take everything back (browser to home, port closed).

        Raises a DriverError when the phone has not fetched the page by the deadline.
        """
        ...


C = TypeVar("C")


class Device(Protocol):
    """An opened link."""

    @property
    def link(self) -> Link:
        """The link it was opened over."""
        ...

    async def identify(self, *, deadline_s: float) -> Identity:
        """Ask the phone who it is; raises a DriverError when it does not answer."""
        ...

    def capability(self, kind: type[C]) -> C:
        """The capability of that protocol; raises `Unsupported` when the device does not offer it."""
        ...

    async def close(self) -> None:
        """Break whatever is still open and let go of the device."""
        ...


class Transport(Protocol):
    """Finds and opens links of one kind."""

    @property
    def name(self) -> str:
        """`adb`, `usbmux`, ..."""
        ...

    def watch(self) -> AsyncIterator[tuple[Link, ...]]:
        """The links there are, again at each change; survives a dead server and says so by raising nothing.

        While the server is away the transport yields an empty tuple and sets `trouble`.
        """
        ...

    @property
    def trouble(self) -> DriverError | None:
        """What keeps the transport from seeing phones right now, or None."""
        ...

    async def open(self, link: Link) -> Device:
        """Open a link; raises a DriverError when it is gone or unusable."""
        ...

    async def close(self) -> None:
        """Stop watching and let go of everything that this transport started."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One change of what is plugged in, after flaps were smoothed.

    Attributes:
        kind: `appeared`, `changed` (state, key) or `gone`.
        link: the link as it is now (for `gone`: as it was).
        was: the link before, for `changed`.
        flaps: how often this port has flapped since it appeared.
    """

    kind: str
    link: Link
    was: Link | None = None
    flaps: int = field(default=0)
