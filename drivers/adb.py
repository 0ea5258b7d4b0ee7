"""Android phones over adb: finds them through the adb server and offers what probes need of them.

Stands on the server of `drivers.adb_server`, the wire of `drivers.adb_wire` and the scripts of `drivers.adb_script`.
Blocking socket work runs in one thread for each phone, never in the shared pool: six hung phones would stall all
others. Every operation has one deadline over everything from the connect to the last byte, and every failure is a
`DriverError`. Must not know probes, checklists or simulators.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, TypedDict, TypeVar, cast

from drivers import adb_errors
from drivers.adb_files import hash_script, pull_file, push_file, same_hash
from drivers.adb_identity import IDENTIFY, read_identity
from drivers.adb_input import GETEVENT, GETEVENT_ON_TERMINAL, EventReader
from drivers.adb_script import STDERR_LIMIT, BatchReader, Script, compose, pack
from drivers.adb_server import AdbServer, open_stream, read_block, subscribe
from drivers.adb_wire import MAX_SERVICE, Deadline, ShellStream, Wire, parse_devices
from drivers.api import (
    Command,
    CommandResult,
    Device,
    DriverError,
    Files,
    Heard,
    Identity,
    InputEvent,
    InputEvents,
    Link,
    LinkState,
    OutputCut,
    Refused,
    Reverse,
    SelfTestPage,
    Shell,
)
from drivers.trade_in import GET_STATUS, STATUS_LIMIT, read_trade_in_identity

__all__ = ["AdbDevice", "AdbServer", "AdbTransport"]

T = TypeVar("T")
C = TypeVar("C")

#: Seconds for what is answered at once: what a phone's adbd can do, and that a way was taken down.
_OPEN_S = 5.0
#: Seconds that an answer which is whole waits for others to be told with.
_TELL_S = 0.02
#: The most seconds in a row in which a phone that answers is not listened to.
REST_S = 0.02
_STREAM_OPEN_S = 10.0
#: Bytes of a service string that a phone takes: adbd before Android 7 takes 4,096 in all (adb protocol version
#: 0x01000000, MAX_PAYLOAD_V1), later ones more than the smart socket can name.
_SERVICE_V1 = 4000
_SHELL_V2 = "shell,v2,raw:"


class AdbTransport:
    """The phones that one adb server sees.

    Args:
        server: the server, which the transport starts with its first use and closes with itself.
        simulated: mark every link as simulated; set by whoever set up the bench.
    """

    def __init__(self, server: AdbServer, simulated: bool = False) -> None:
        self._server, self._simulated = server, simulated
        self._trouble: DriverError | None = None

    @property
    def name(self) -> str:
        """`adb`."""
        return "adb"

    @property
    def trouble(self) -> DriverError | None:
        """What keeps the transport from seeing phones right now, or None."""
        return self._server.trouble or self._trouble

    async def watch(self) -> AsyncIterator[tuple[Link, ...]]:
        """The links there are, again at each change; an empty tuple while the server is away."""
        await self._server.start()
        while True:
            if self._server.trouble is not None:
                yield ()
            await self._server.ready()
            try:
                async with contextlib.aclosing(self._track()) as frames:
                    async for links in frames:
                        self._trouble = None
                        yield links
            except DriverError as error:
                self._trouble = error
            yield ()
            await asyncio.sleep(0.05)

    async def _track(self) -> AsyncGenerator[tuple[Link, ...], None]:
        server = self._server.ended
        reader, writer = await open_stream(self._server.address)
        over = asyncio.ensure_future(self._server.over(server))
        waiting: set[asyncio.Future[Any]] = {over}
        try:
            await subscribe(reader, writer, "host:track-devices-l")
            while True:
                block = asyncio.ensure_future(read_block(reader))
                waiting = {over, block}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if not block.done():  # one that hung may go on where it was: it is asked anew
                    raise adb_errors.server_restarted()
                links = parse_devices(block.result().decode("utf-8", "replace"), simulated=self._simulated)
                yield tuple(replace(link, key=f"{server}.{link.key}") for link in links)
        finally:
            writer.close()
            for each in waiting:
                each.cancel()

    async def open(self, link: Link) -> Device:
        """Open a link; raises a DriverError when it is gone or unusable."""
        trouble = adb_errors.not_usable(link.state)
        if trouble is not None:
            raise trouble
        await self._server.start()
        if self._server.trouble is not None:
            raise self._server.trouble
        device = AdbDevice(link, self._server)
        try:
            await device.prepare()
        except BaseException:
            await device.close()
            raise
        return device

    async def close(self) -> None:
        """Let go of the server; it ends if it is ours."""
        await self._server.close()


class AdbDevice:
    """One phone, reached by its transport id, which no replug keeps and no other phone of the same adb server has.

    The next server counts from the beginning: what was opened over the last one then refuses with `ServerDown`, for the
    phone that answers to its id may be the neighbour.
    """

    def __init__(self, link: Link, server: AdbServer) -> None:
        self._link, self._server = link, server
        ended, _, self._id = link.key.rpartition(".")
        self._ended = int(ended or 0)
        self._lane = _Lane(f"adb-{link.key}")
        self._streams: set[_Lane] = set()
        self._features: frozenset[str] = frozenset()
        self._shell = _AdbShell(self)

    @property
    def link(self) -> Link:
        """The link it was opened over."""
        return self._link

    @property
    def shell_v2(self) -> bool:
        """Whether the phone has the shell protocol with exit codes and a standard error of its own (Android 7)."""
        return "shell_v2" in self._features

    async def prepare(self) -> None:
        """Learn what the phone's adbd can do; raises a DriverError when the link is gone."""
        wire = self.wire(Deadline.after(_OPEN_S))

        def features() -> bytes:
            wire.connect()
            wire.ask(f"host-transport-id:{self._id}:features")
            self._same_server()
            return wire.block()

        said = await self.call(wire, features)
        self._features = frozenset(said.decode("ascii", "replace").split(","))

    async def identify(self, *, deadline_s: float) -> Identity:
        """Ask the phone who it is; raises a DriverError when it does not answer."""
        answers = await self._shell.batch(IDENTIFY, deadline_s=deadline_s)
        properties = answers[0]
        if isinstance(properties.failure, Refused):  # trade-in mode lets one command through and no script
            told = await self._shell.run(GET_STATUS, deadline_s=deadline_s, limit=STATUS_LIMIT)
            if (identity := read_trade_in_identity(told.text)) is not None:
                return identity
        if properties.failure is not None:
            raise properties.failure
        return read_identity(properties.text, [answer.text for answer in answers[1:]])

    def capability(self, kind: type[C]) -> C:
        """The capability of that protocol; raises `Unsupported` when the device does not offer it."""
        made: Any
        if kind is Shell:
            made = self._shell
        elif kind is Files:
            made = _AdbFiles(self, self._shell)
        elif kind is InputEvents:
            made = _AdbInputEvents(self, self._shell)
        elif kind is Reverse:
            made = _AdbReverse(self)
        elif kind is SelfTestPage:
            from drivers.selftest.page import PageOverReverse  # brings a web server along

            made = PageOverReverse(self._shell, _AdbReverse(self))
        else:
            raise adb_errors.unsupported(kind.__name__)
        return cast(C, made)

    async def close(self) -> None:
        """Break whatever is still open and let go of the device."""
        for lane in (self._lane, *self._streams):
            lane.close()

    def wire(self, deadline: Deadline) -> Wire:
        """A connection of its own to the server, not yet connected."""
        return Wire(self._server.address, deadline)

    async def call(self, wire: Wire, job: Callable[[], T]) -> T:
        """Run a blocking job that uses `wire` in the phone's thread; raises what it raises, explained.

        Cancelling breaks the wire and comes back when the thread is free again.
        """

        def guarded() -> T:
            try:
                return job()
            except (OutputCut, Refused) as error:
                wire.close()
                raise self.explain(error) from None
            finally:
                wire.close()

        return await self._lane.call(wire, guarded)

    @contextlib.contextmanager
    def stream_lane(self) -> Iterator[_Lane]:
        """A thread of its own for a long stream, so that commands go on beside it."""
        lane = _Lane(f"adb-{self._link.key}-stream")
        self._streams.add(lane)
        try:
            yield lane
        finally:
            lane.close()
            self._streams.discard(lane)

    def explain(self, error: DriverError) -> DriverError:
        """What stands behind a stream that ended in the middle: the server, the cable, or the phone. Blocking.

        The server needs a moment to notice a pulled cable (a network phone is `offline` after 0.04 s, measured), so
        a phone that looks well is looked at again.
        """
        for pause in (0.0, 0.04, 0.08):
            time.sleep(pause)
            state = self._state()
            if isinstance(state, DriverError):
                return state
        return error

    def _state(self) -> DriverError | None:
        wire = self.wire(Deadline.after(0.1))
        try:
            wire.connect()
            wire.ask(f"host-transport-id:{self._id}:get-state")
            self._same_server()
            word = wire.block().decode("ascii", "replace")
        except OutputCut:
            return None
        except DriverError as error:
            return error
        finally:
            wire.close()
        if word == "offline":
            return adb_errors.gone()
        return adb_errors.not_usable(LinkState(word)) if word in set(LinkState) else None

    def open_service(self, wire: Wire, service: str) -> None:
        """Connect `wire` to a service of the phone; raises a DriverError. Blocking."""
        wire.transport(self._id)
        self._same_server()
        wire.ask(service)

    def _same_server(self) -> None:
        """Asked when the server has answered: what answers after that is the one that answered, or nothing."""
        if self._server.ended != self._ended:
            raise adb_errors.server_restarted()


class _Lane:
    """One thread for the blocking work with one phone, one operation at a time."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._turn = asyncio.Lock()
        self._wires: set[Wire] = set()
        self._closed = False

    async def call(self, wire: Wire, job: Callable[[], T]) -> T:
        """Run `job` when it is its turn; the time in the queue counts against the wire's deadline."""
        try:
            async with asyncio.timeout(wire.deadline.left):
                await self._turn.acquire()
        except TimeoutError:
            raise adb_errors.busy(wire.deadline.seconds) from None
        try:
            if self._closed:
                raise adb_errors.closed_by_us()
            self._wires.add(wire)
            return await self._run(wire, job)
        finally:
            self._wires.discard(wire)
            self._turn.release()

    async def _run(self, wire: Wire, job: Callable[[], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._pool, job)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            wire.abort()
            await asyncio.wait([future])
            future.exception()
            raise

    def close(self) -> None:
        """Break what is under way and take nothing new."""
        self._closed = True
        for wire in tuple(self._wires):
            wire.abort()
        self._pool.shutdown(wait=False)


class _Kept:
    """The head of a stream, at most `limit` bytes of it."""

    def __init__(self, limit: int) -> None:
        self.data, self._limit, self.dropped = bytearray(), limit, False

    def add(self, piece: bytes) -> None:
        room = self._limit - len(self.data)
        self.data += piece[:room] if room > 0 else b""
        self.dropped = self.dropped or len(piece) > room


class _AdbShell:
    """`Shell` over adb.

    A phone without shell v2 (before Android 7) has one stream for both outputs: there, what a command wrote to
    standard error is inside `stdout` and `stderr` is empty. Scripts go through `exec:` there, which leaves bytes as
    they are; where a phone refuses it, through `shell:`, whose terminal makes every LF a CR LF, which is undone.
    """

    def __init__(self, device: AdbDevice) -> None:
        self._device = device
        self._exec_refused = False

    async def run(self, script: str, *, deadline_s: float, limit: int = 4 * 1024 * 1024) -> CommandResult:
        """Run one command; the deadline is over the whole operation. Never raises a DriverError: see `failure`."""
        if not self._device.shell_v2:
            whole = Command("run", script, timeout_s=max(deadline_s, 0.1), limit=limit)
            return (await self.batch([whole], deadline_s=deadline_s))[0]
        began = time.monotonic()
        wire = self._device.wire(Deadline.after(deadline_s))
        stream, out, err = ShellStream(), _Kept(limit), _Kept(STDERR_LIMIT)
        failure: DriverError | None = None
        try:
            await self._device.call(wire, lambda: self._run(wire, script, stream, out, err))
        except DriverError as error:
            failure = error
        return CommandResult(
            name="run",
            script=script,
            stdout=bytes(out.data),
            stderr=bytes(err.data),
            exit_code=stream.exit_code,
            started_s=0.0,
            seconds=time.monotonic() - began,
            failure=failure,
        )

    def _run(self, wire: Wire, script: str, stream: ShellStream, out: _Kept, err: _Kept) -> None:
        service = _SHELL_V2 + script.replace("\0", "")
        size = len(service.encode("utf-8", "replace"))
        if size > MAX_SERVICE:
            raise adb_errors.script_too_long(size, MAX_SERVICE)
        self._device.open_service(wire, service)
        while stream.exit_code is None:
            data = wire.listen()
            if not data:
                raise adb_errors.output_cut()
            for number, piece in stream.feed(data):
                (out if number == 1 else err).add(piece)
            if out.dropped:
                raise adb_errors.too_much(len(out.data))

    async def batch(
        self, commands: Sequence[Command], *, deadline_s: float, heard: Heard | None = None
    ) -> list[CommandResult]:
        """Run the commands in order in one script and one open; one result for each, in their order.

        Only where the phone takes no script of that length (4 kB before Android 7) it is several. A command that
        could not be reached or did not end carries its `failure`; those before it keep their answers.
        """
        began, deadline = time.monotonic(), Deadline.after(deadline_s)
        limit = MAX_SERVICE - 64 if self._device.shell_v2 else _SERVICE_V1
        results: list[CommandResult] = []
        broken: DriverError | None = None
        for group in pack(commands, limit=limit):
            script = compose(group, stderr=self._device.shell_v2)
            size = len(script.text.encode("utf-8", "replace"))
            base = time.monotonic() - began
            failure = broken or (adb_errors.script_too_long(size, limit) if size > limit else None)
            answers = _Answers(BatchReader(script), heard, first=len(results), base_s=base if results else 0.0)
            if failure is None:
                try:
                    await self._play(script, answers, deadline)
                except DriverError as error:
                    failure = broken = error
                answers.tell()
            results += answers.results(failure)
        return results

    async def _play(self, script: Script, answers: _Answers, deadline: Deadline) -> None:
        """Run a script until every end mark was seen."""
        device = self._device
        if device.shell_v2:
            wire = device.wire(deadline)
            await device.call(wire, lambda: self._play_v2(wire, script, answers))
            return
        if not self._exec_refused:
            try:
                wire = device.wire(deadline)
                await device.call(wire, lambda: self._play_v1(wire, "exec:", script, answers))
            except Refused:
                self._exec_refused = True
            else:
                return
        wire, answers.crlf = device.wire(deadline), True
        await device.call(wire, lambda: self._play_v1(wire, "shell:", script, answers))

    def _play_v2(self, wire: Wire, script: Script, answers: _Answers) -> None:
        self._device.open_service(wire, _SHELL_V2 + script.text)
        stream = ShellStream()
        while not answers.complete:
            data = wire.listen()
            answers.feed(stream.feed(data))
            if (not data or stream.exit_code is not None) and not answers.complete:
                raise adb_errors.output_cut()
            time.sleep(min(answers.rest_s(), wire.deadline.left))

    def _play_v1(self, wire: Wire, kind: str, script: Script, answers: _Answers) -> None:
        self._device.open_service(wire, kind + script.text)
        while not answers.complete:
            data = wire.listen()
            if not data:
                raise adb_errors.output_cut()
            answers.feed([(1, data)])
            time.sleep(min(answers.rest_s(), wire.deadline.left))


def rest_s(came: int, left: int, took_s: float) -> float:
    """Seconds in which a phone's answers need not be listened for.

    Each waking costs the bench as much as an answer, and a phone answers command by command: what has come by then is
    taken together. It is half of the time that those that are left will take at the pace so far, so that the last one
    does not wait.

    Args:
        came: how many answers came in `took_s`; without any the pace is not known.
        left: how many are missing.
    """
    return min(REST_S, took_s / came * left / 2) if came and left > 1 else 0.0


class _Answers:
    """What one script answers, told as it comes. Fed in the phone's thread; `heard` is called in the caller's loop.

    What comes shortly after each other is told together: waking the loop costs more than taking an answer.
    """

    def __init__(self, reader: BatchReader, heard: Heard | None, *, first: int, base_s: float) -> None:
        """`first`: the place in the batch of the script's first command; `base_s`: seconds from the batch's start."""
        self.crlf = False
        self._reader, self._heard, self._first, self._base_s = reader, heard, first, base_s
        self._fresh: deque[tuple[int, CommandResult]] = deque()
        self._telling = False
        self._began, self._loop = time.monotonic(), asyncio.get_running_loop()
        self._ended = 0
        self._paced_from: tuple[int, float] | None = None  # what had come first, and when

    def rest_s(self) -> float:
        """See `rest_s`; the pace is that since the first answer came, for opening takes a time of its own."""
        now, before, ended = time.monotonic(), self._ended, self._reader.ended
        self._ended = ended
        if ended == before:  # in the middle of a long answer
            return 0.0
        if self._paced_from is None:
            self._paced_from = (ended, now) if ended else None
            return 0.0
        first, since = self._paced_from
        return rest_s(ended - first, self._reader.commands - ended, now - since)

    @property
    def complete(self) -> bool:
        """Whether every command's end mark has been seen."""
        return self._reader.complete

    def feed(self, pieces: Sequence[tuple[int, bytes]]) -> None:
        """Take pieces of standard output (1) and standard error (2)."""
        for number, piece in pieces:
            self._reader.feed(number, piece)
        if self._heard is not None and (whole := self._reader.whole(**self._about())):
            self._fresh.extend(whole)
            if not self._telling:
                self._telling = True
                self._loop.call_soon_threadsafe(self._loop.call_later, _TELL_S, self.tell)

    def tell(self) -> None:
        """Tell what is whole and was not told; in the loop."""
        self._telling = False
        while self._fresh and self._heard is not None:
            at, result = self._fresh.popleft()
            self._heard(self._first + at, result)

    def results(self, broken: DriverError | None) -> list[CommandResult]:
        """One result for each command; `broken` is why the stream ended before all were whole."""
        return self._reader.results(broken, **self._about())

    def _about(self) -> _About:
        return {"base_s": self._base_s, "wall_s": time.monotonic() - self._began, "crlf": self.crlf}


class _About(TypedDict):
    base_s: float
    wall_s: float
    crlf: bool


class _AdbFiles:
    """`Files` over adb's sync service; size and hash are checked wherever the phone can say them."""

    def __init__(self, device: AdbDevice, shell: _AdbShell) -> None:
        self._device, self._shell = device, shell

    async def pull(self, path: str, *, deadline_s: float, limit: int) -> bytes:
        """The bytes of a file; raises a DriverError when it can't be had whole within `limit` bytes."""
        deadline = Deadline.after(deadline_s)
        wire = self._device.wire(deadline)

        def job() -> bytes:
            self._device.open_service(wire, "sync:")
            return pull_file(wire, path, limit)

        data = await self._device.call(wire, job)
        await self._compare(path, data, deadline)
        return data

    async def push(self, path: str, data: bytes, *, deadline_s: float, mode: int = 0o644) -> None:
        """Write a file on the phone (asked for and undone by the caller)."""
        deadline = Deadline.after(deadline_s)
        wire = self._device.wire(deadline)

        def job() -> None:
            self._device.open_service(wire, "sync:")
            push_file(wire, path, data, mode)

        await self._device.call(wire, job)
        await self._compare(path, data, deadline)

    async def _compare(self, path: str, data: bytes, deadline: Deadline) -> None:
        answer = await self._shell.run(hash_script(path), deadline_s=deadline.left, limit=4096)
        if answer.failure is not None:
            raise answer.failure
        if not same_hash(answer.text, data):
            raise adb_errors.changed_on_the_way(path)


class _AdbInputEvents:
    """`InputEvents` by `getevent -t`, which the shell user may run on every Android."""

    def __init__(self, device: AdbDevice, shell: _AdbShell) -> None:
        self._device, self._shell = device, shell

    async def describe(self, *, deadline_s: float) -> CommandResult:
        """The list of input devices and their capabilities (`getevent -lp`)."""
        return await self._shell.run("getevent -lp", deadline_s=deadline_s)

    def events(self, *, deadline_s: float) -> AbstractAsyncContextManager[AsyncIterator[InputEvent]]:
        """Open the event stream; iteration ends at the deadline and raises a DriverError when the link breaks.

        A cancelled wait for the next event loses none: the wait goes on, and the next one takes its answer.
        """
        return self._events(Deadline.after(deadline_s))

    @contextlib.asynccontextmanager
    async def _events(self, deadline: Deadline) -> AsyncIterator[AsyncIterator[InputEvent]]:
        wire = self._device.wire(Deadline.after(min(deadline.left, _STREAM_OPEN_S)))
        framed = self._device.shell_v2
        service = _SHELL_V2 + GETEVENT if framed else "shell:" + GETEVENT_ON_TERMINAL
        with self._device.stream_lane() as lane:
            stream = _EventStream(self._device, lane, wire, framed=framed)
            try:
                await stream.open(service)
                await stream.listening()
                wire.deadline = deadline
                yield stream
            finally:
                await stream.close()


class _EventStream:
    """Input events as an iterator that pulls: nothing piles up while nobody asks."""

    def __init__(self, device: AdbDevice, lane: _Lane, wire: Wire, *, framed: bool) -> None:
        self._device, self._lane, self._wire = device, lane, wire
        self._reader = EventReader(framed=framed)
        self._ready: list[InputEvent] = []
        self._pending: asyncio.Task[list[InputEvent]] | None = None

    async def open(self, service: str) -> None:
        await self._lane.call(self._wire, lambda: self._device.open_service(self._wire, service))

    async def listening(self) -> None:
        """Wait until `getevent` has printed the first of its devices: from there on the kernel keeps events for it.

        An opened stream alone says only that a shell was started; a key pressed before it looks would be lost.
        """
        self._ready = list(reversed(await self._lane.call(self._wire, self._first)))

    def __aiter__(self) -> AsyncIterator[InputEvent]:
        return self

    async def __anext__(self) -> InputEvent:
        while not self._ready:
            if self._pending is None:
                self._pending = asyncio.create_task(self._lane.call(self._wire, self._more))
            try:
                self._ready = list(reversed(await asyncio.shield(self._pending)))
            except DriverError as error:
                if error.code == "adb.no-answer":
                    raise StopAsyncIteration from None
                raise
            self._pending = None
        return self._ready.pop()

    def _first(self) -> list[InputEvent]:
        data = self._wire.receive()
        if not data:
            raise self._device.explain(adb_errors.output_cut())
        return self._reader.feed(data)

    def _more(self) -> list[InputEvent]:
        while True:
            if events := self._first():
                return events

    async def close(self) -> None:
        self._wire.abort()
        if self._pending is not None:
            await asyncio.wait([self._pending])
            if not self._pending.cancelled():
                self._pending.exception()
        self._wire.close()


class _AdbReverse:
    """`Reverse` over adb: a port of the phone that leads to a port of the bench."""

    def __init__(self, device: AdbDevice) -> None:
        self._device = device

    @contextlib.asynccontextmanager
    async def reverse(self, phone_port: int, bench_port: int, *, deadline_s: float) -> AsyncIterator[None]:
        """Open the way and take it down at the end; a phone that is gone by then has taken it down itself."""
        await self._ask(f"reverse:forward:tcp:{phone_port};tcp:{bench_port}", deadline_s)
        try:
            yield
        finally:
            with contextlib.suppress(DriverError):
                await self._ask(f"reverse:killforward:tcp:{phone_port}", _OPEN_S)

    async def _ask(self, service: str, deadline_s: float) -> None:
        wire = self._device.wire(Deadline.after(deadline_s))

        def job() -> None:
            self._device.open_service(wire, service)  # OKAY: the phone has taken the request
            wire.okay()  # OKAY: and has done it

        await self._device.call(wire, job)
