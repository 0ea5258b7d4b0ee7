"""One simulated phone: it listens on a TCP port, serves what adb opens, and does what a person does to it.

Stands on everything else in this folder; `bench` sets it up. What its shell's commands print is in `commands` and
`dumpsys`, what changes with time in `state`, what goes wrong on demand in `faults`.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.sim import quick
from drivers.sim.adbd import Connection, Stream
from drivers.sim.adbkey import HostKey
from drivers.sim.browser import fetch
from drivers.sim.channel import Reply
from drivers.sim.clock import Workload
from drivers.sim.commands import COMMANDS, IN_SERVER, cost_s
from drivers.sim.dialog import Dialog
from drivers.sim.faults import ArmedFaults, Cut, Fault, FaultKind, Mutilator, spoilt
from drivers.sim.files import FILE_COMMANDS, LIVING, refresh
from drivers.sim.parts import parts
from drivers.sim.persona import Authorisation, Persona
from drivers.sim.reverse import ReversedPorts
from drivers.sim.sandbox import Sandbox
from drivers.sim.shell import EXIT, STDOUT, Request, frame, parse_request, serve_shell
from drivers.sim.state import PhoneState
from drivers.sim.sync import serve_sync

__all__ = ["Opened", "SimulatedPhone", "programs"]


@dataclass(frozen=True, slots=True)
class Opened:
    """One service that a host has opened, and when (monotonic seconds)."""

    service: str
    at_s: float


class SimulatedPhone:
    """One phone. `state` is its living state, `persona` what it is made of.

    Attributes:
        opens: every service that was opened, in order.
        commands: every command that its shell ran, in order, with its arguments.
        work_ms: a fixed time for every command, instead of the persona's own.
        latency_s: time that each OPEN takes before the phone says OKAY.
        quick: whether scripts that need no shell are played without one (see `quick`).
        page: the page that its browser shows, as text; None without one.
    """

    def __init__(self, state: PhoneState, sandbox: Sandbox, *, latency_s: float, trusted: Sequence[HostKey]) -> None:
        self.state, self.sandbox = state, sandbox
        self.latency_s = latency_s
        self.work_ms: float | None = None
        self.quick = False
        self.opens: list[Opened] = []
        self.commands: list[str] = []
        self.page: str | None = None
        self.ports = ReversedPorts()
        self._faults = ArmedFaults()
        self._dialog = Dialog(trusted)
        self._server: asyncio.Server | None = None
        self._plugging = asyncio.Lock()
        self._port = 0
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._work = Workload()

    # -- what a test or a demonstration does to it --------------------------------------------------------------------
    @property
    def persona(self) -> Persona:
        """What it is made of now."""
        return self.state.persona

    @property
    def port(self) -> int:
        """The TCP port where it listens; stays the same while it is unplugged. 0: it was never plugged in."""
        return self._port

    @property
    def address(self) -> str:
        """Where adb finds it."""
        return f"127.0.0.1:{self._port}"

    @property
    def serial(self) -> str:
        """Its own serial (not adb's, which is its address)."""
        return self.state.identity.serial

    @property
    def opens_count(self) -> int:
        """How many services were opened."""
        return len(self.opens)

    @property
    def connected_hosts(self) -> int:
        """How many adb servers are connected, authorised or not."""
        return len(self._connections)

    async def plug(self, wanted: int = 0) -> None:
        """Plug it in: it listens and charges. It keeps its port; the first is `wanted`, or any if that one is taken."""
        async with self._plugging:  # two flaps may end at the same moment
            if self._server is None:
                try:
                    self._server = await self._listen(self._port or wanted)
                except OSError:
                    if self._port or not wanted:
                        raise
                    self._server = await self._listen(0)
                self._port = self._server.sockets[0].getsockname()[1]
                self.state.battery.plugged = self.persona.battery.plugged

    async def _listen(self, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: Connection(self), "127.0.0.1", port, reuse_address=True)

    def unplug(self) -> None:
        """Pull the cable: connections break at once, nothing listens, the battery drains."""
        self.state.battery.advance(self.state.clock.now())
        self.state.battery.plugged = ""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.abort()

    def flap(self, seconds: float) -> None:
        """Pull the cable and put it back after `seconds`."""
        self.unplug()
        asyncio.get_running_loop().call_later(seconds, lambda: self._spawn(self.plug()))

    def press(self, key: str, hold_s: float = 0.08) -> None:
        """Press a key by its kernel name (`KEY_POWER`, also `power`, `volume-up`) and let it go after `hold_s`.

        A dead key does nothing, a bouncing one chatters; one that the phone does not have is a KeyError.
        """
        name = _KEY_NAMES.get(key, key)
        loop = asyncio.get_running_loop()
        self.state.key(name, 1)
        if name in self.persona.bounce_keys:
            for at, value in ((0.004, 0), (0.009, 1), (0.014, 0), (0.018, 1)):
                loop.call_later(min(at, hold_s / 2), self.state.key, name, value)
        loop.call_later(hold_s, self.state.key, name, 0)

    def allow(self, *, always: bool = True) -> None:
        """Tap "allow" in the dialog that asks for USB debugging; RuntimeError when there is none."""
        self._dialog.allow(always=always)

    def refuse(self) -> None:
        """Tap "cancel" in the dialog; RuntimeError when there is none."""
        self._dialog.refuse()

    @property
    def asking(self) -> HostKey | None:
        """The key that the dialog on the screen asks about, if there is one."""
        return self._dialog.key

    @property
    def faults(self) -> list[Fault]:
        """The faults that are armed; set a list to arm others."""
        return list(self._faults)

    @faults.setter
    def faults(self, faults: Sequence[Fault]) -> None:
        self._faults.set(faults)

    @property
    def fault(self) -> Fault | None:
        """The first armed fault; set one to arm it alone, None to be well again."""
        return next(iter(self._faults), None)

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        self._faults.set([] if fault is None else [fault])

    # -- adbd.Host ----------------------------------------------------------------------------------------------------
    @property
    def version(self) -> int:
        """The newest protocol version it speaks."""
        return self.persona.adb.version

    @property
    def max_payload(self) -> int:
        """The largest payload it takes."""
        return self.persona.adb.max_payload

    @property
    def banner(self) -> str:
        """What it says of itself in CNXN."""
        model, adb = self.persona.model, self.persona.adb
        props = {
            "ro.product.name": model.product,
            "ro.product.model": model.model,
            "ro.product.device": model.device,
        }
        if adb.features:
            props["features"] = ",".join(adb.features)
        return f"{adb.state}::" + ";".join(f"{name}={value}" for name, value in props.items())

    @property
    def demands_authorisation(self) -> bool:
        """Whether the host must prove a trusted key."""
        return self.persona.adb.authorisation is Authorisation.ASK or self._dialog.knows_keys

    def trusts(self, token: bytes, signature: bytes) -> bool:
        """Whether a trusted key has signed the token."""
        return self._dialog.trusts(token, signature)

    async def offered_key(self, key: HostKey) -> bool:
        """Show the dialog and wait for the tap."""
        return await self._dialog.ask(key)

    def service(self, stream: Stream, name: str) -> Coroutine[Any, Any, None] | None:
        """Serve what a host opens; what this phone does not know is refused."""
        self.opens.append(Opened(name, time.monotonic()))
        fault = self._faults.strike_service(name)
        serving = self._serving(stream, name, fault)
        return None if serving is None else self._opened(stream, serving, fault)

    def connected(self, connection: Connection) -> None:
        """A host has connected."""
        self._connections.add(connection)

    def disconnected(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        self.ports.forget(connection)

    # -- services -----------------------------------------------------------------------------------------------------
    def _serving(self, stream: Stream, name: str, fault: Fault | None) -> Coroutine[Any, Any, None] | None:
        if self.persona.adb.trade_in and not _TRADE_IN.fullmatch(name):
            return None
        request = parse_request(name, always_terminal=self.persona.android.sdk < 24)
        if request is not None and (not request.protocol or "shell_v2" in self.persona.adb.features):
            if not request.terminal and fault is not None and fault.kind is FaultKind.FLOOD:
                return self._flood(stream, request, fault)
            if self.quick and not request.terminal:
                script = quick.understood(request.script, self._answered_here())
                if script is not None:
                    return quick.play(stream, request, script, self._run, _exit_code(fault))
            refresh(self.state, self.sandbox) if _names_living_files(request.script) else None
            return serve_shell(stream, request, self.sandbox, self._run, exit_code=_exit_code(fault))
        if name == "sync:":
            return serve_sync(stream, self.state, self.sandbox)
        if name.startswith("reverse:"):
            return self.ports.serve(stream, stream.connection, name.removeprefix("reverse:"))
        if name.startswith("reboot:"):
            return self._reboot()
        return None

    async def _opened(self, stream: Stream, serving: Coroutine[Any, Any, None], fault: Fault | None) -> None:
        try:
            if self.latency_s > 0:
                await asyncio.sleep(self.latency_s)
            if fault is not None:
                await self._before(stream, fault)
            stream.accept()
        except BaseException:
            serving.close()
            raise
        try:
            await serving
        except Cut:
            if fault is not None and fault.exit_code is not None:
                await stream.put(frame(EXIT, bytes([fault.exit_code & 0xFF])))

    async def _before(self, stream: Stream, fault: Fault) -> None:
        """What a fault does before the phone says OKAY; the rest happens as the service writes."""
        if fault.kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        elif fault.kind is FaultKind.HANG and fault.after_bytes == 0:
            await asyncio.Event().wait()
        elif fault.kind is FaultKind.FLAP and fault.after_bytes == 0:
            self.flap(fault.seconds)
        elif fault.kind is not FaultKind.FLOOD:
            stream.spoil = Mutilator(fault, stream.put, self.flap).write

    async def _flood(self, stream: Stream, request: Request, fault: Fault) -> None:
        async def pour(data: bytes) -> None:
            await stream.write(frame(STDOUT, data) if request.protocol else data)

        await Mutilator(fault, pour, self.flap).flood()
        if request.protocol:
            await stream.write(frame(EXIT, b"\0"))

    # -- commands of its shell ----------------------------------------------------------------------------------------
    async def _run(self, argv: list[str], at_s: float) -> Reply:
        uid, name, *arguments = (self.sandbox.outward(word) for word in argv)
        words = [name, *arguments]
        if name.startswith("."):  # a question of the prelude, not a command of the script
            return FILE_COMMANDS[name](self.state, self.sandbox, arguments, int(uid))
        line = " ".join(words)
        self.commands.append(line)
        fault = self._faults.strike_command(line)
        cost = self.work_ms / 1000.0 if self.work_ms is not None else cost_s(words, self.persona.cost_ms)
        await self._work.spend(cost, since_s=at_s, in_server=name in IN_SERVER)
        reply = self._answer(line, name, arguments, int(uid))
        return reply if fault is None else await spoilt(reply, fault, self.flap)

    def _answered_here(self) -> set[str]:
        return programs(self.persona) | FILE_COMMANDS.keys()

    def _answer(self, line: str, name: str, arguments: list[str], uid: int) -> Reply:
        canned = self.persona.answers.get(line)
        if canned is not None:
            return Reply(canned.encode())
        if name in FILE_COMMANDS:
            return FILE_COMMANDS[name](self.state, self.sandbox, arguments, uid)
        for action in parts().actions.get(name, ()):
            if (reply := action(self, arguments)) is not None:
                return reply
        if program := parts().commands.get(name) or COMMANDS.get(name):
            return program(self.state, arguments, uid)
        return _OWN[name](self, arguments)

    def start_activity(self, arguments: Sequence[str]) -> Reply:
        """`am`: opens a page in the browser, or goes away from it."""
        words = list(arguments)
        options = dict(itertools.pairwise(words))
        if words[:1] == ["force-stop"] or options.get("-c") == "android.intent.category.HOME":
            self.close_page()
            return Reply()
        if words[:1] != ["start"]:
            return Reply(stderr="Activity manager (activity) commands:", code=255)
        url, action = options.get("-d", ""), options.get("-a", "")
        if action == "android.intent.action.VIEW" and url:
            self._spawn(self._browse(url))
            return Reply(f"Starting: Intent {{ act={action} dat={url} }}\n".encode())
        return Reply(f"Starting: Intent {{ act={action} }}\n".encode())

    def inject(self, arguments: Sequence[str]) -> Reply:
        """`input`: only what goes home matters here; injected keys are no kernel events on a phone either."""
        if list(arguments[:1]) == ["keyevent"] and any(key in _HOME for key in arguments[1:]):
            self.close_page()
        return Reply() if arguments else Reply(stderr="Error: Invalid arguments", code=255)

    def close_page(self) -> None:
        """Leave the browser."""
        self.page = None
        self.state.scratch.pop("page", None)

    async def _browse(self, url: str) -> None:
        self.close_page()
        model = self.persona.model.model
        agent = f"Mozilla/5.0 (Linux; Android {self.persona.android.release}; {model}) Chrome/120.0.0.0 Mobile"
        page = await fetch(url, self.ports, agent=agent)
        if page is not None:
            self.page = page
            self.state.scratch["page"] = page  # what a page listens to concerns the parts

    async def _reboot(self) -> None:
        self.close_page()
        self.flap(_BOOT_S)

    def reboot(self) -> Reply:
        """`reboot`: the connection drops and the phone is back a little later."""
        self._spawn(self._reboot())
        return Reply()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Switch it off for good, with everything that still runs in it."""
        self.unplug()
        for task in self._tasks:
            task.cancel()
        await self.sandbox.end()


def _exit_code(fault: Fault | None) -> Callable[[int], int | None]:
    def changed(code: int) -> int | None:
        if fault is None:
            return code
        if fault.kind is FaultKind.NO_EXIT:
            return None
        return fault.exit_code if fault.kind is FaultKind.EXIT_CODE else code

    return changed


def _names_living_files(script: str) -> bool:
    return any(folder in script for folder in LIVING)


#: What adbd lets through in trade-in mode (AOSP packages/modules/adb, daemon/tradeinmode.cpp).
_TRADE_IN = re.compile(r"shell[^:]*:tradeinmode(?:\s*|\s[A-Za-z0-9_\-\s]*)", re.ASCII)
_HOME = frozenset({"3", "KEYCODE_HOME", "HOME"})
_BOOT_S = 1.5
_KEY_NAMES = {
    "power": "KEY_POWER",
    "volume-up": "KEY_VOLUMEUP",
    "volume-down": "KEY_VOLUMEDOWN",
    "home": "KEY_HOMEPAGE",
    "camera": "KEY_CAMERA",
}
_OWN: dict[str, Callable[[SimulatedPhone, Sequence[str]], Reply]] = {
    "am": SimulatedPhone.start_activity,
    "input": SimulatedPhone.inject,
    "reboot": lambda phone, arguments: phone.reboot(),
}


def programs(persona: Persona) -> set[str]:
    """The programs that a phone of that persona has in its shell."""
    names = {*COMMANDS, *parts().commands, *parts().actions, *_OWN, "screencap"}
    if persona.android.sdk < 24:
        names -= {"cmd"}
    return names
