"""The bench: slots bound to ports, and one task for each that opens and identifies whatever is plugged in there.

Stands on transports and discovery; a phone that hangs, lies or breaks its driver keeps only its own task busy. It knows
no ticket, no checklist and no screen: what it learns it tells through `Bench.changed`, `identified` and `lost`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from drivers.api import Change, Device, DriverError, Identity, Link, LinkState, Transport
from drivers.text import Words, safe_text
from station.errors import Trouble
from station.store import Store

__all__ = ["SLOTS", "Bench", "Slot", "Watcher"]

_log = logging.getLogger(__name__)

SLOTS = Migrations("assay-slots")
#: Seconds for a phone to say who it is, for that and its opening, and between tries while it stays plugged in.
IDENTIFY_S = 8.0
OPEN_S = IDENTIFY_S + 2
TRY_AGAIN_S = 4.0
#: Seconds that a run waits for a phone that flapped: discovery takes it for gone after 2 s, and then says so.
FLAP_WAIT_S = 4.0
LOG_LINES = 200

_STATES: dict[LinkState, tuple[Words, Words]] = {
    LinkState.UNAUTHORIZED: (
        Words("The phone does not trust this bench yet", "手机尚未信任本工位"),
        Words("Unlock the phone and tap Allow; menus: `assay vendors`", "请解锁手机并点“允许”；菜单见 `assay vendors`"),
    ),
    LinkState.AUTHORIZING: (
        Words("The phone is being asked to trust this bench", "正在请求手机授权"),
        Words("Unlock the phone and tap Allow", "请解锁手机并点“允许”"),
    ),
    LinkState.CONNECTING: (Words("Connecting", "正在连接"), Words("Wait a moment", "请稍候")),
    LinkState.OFFLINE: (
        Words("The phone is plugged in but does not answer", "手机已插入但无响应"),
        Words("Unplug it and plug it in again; try another cable", "请重新插拔，或更换数据线"),
    ),
    LinkState.NO_PERMISSIONS: (
        Words("This computer may not talk to the phone", "本机没有访问该手机的权限"),
        Words(
            "Run `assay doctor`: it says how to set up the udev rules", "请运行 `assay doctor`，按提示设置 udev 规则"
        ),
    ),
}
_OTHER_STATE = (
    Words("The phone is in {state} mode", "手机处于{state}模式"),
    Words("Restart the phone into its normal system", "请将手机重启到正常系统"),
)
_MODES = {
    LinkState.RECOVERY: Words("recovery", "恢复（Recovery）"),
    LinkState.RESCUE: Words("rescue", "救援（Rescue）"),
    LinkState.SIDELOAD: Words("sideload", "侧载（Sideload）"),
    LinkState.BOOTLOADER: Words("bootloader", "引导（Fastboot）"),
}
_BENCH_BUG = Words("The bench failed on this phone: {error}", "工位处理该手机时出错：{error}")
_REPLUG = Words("Plug the phone in again; tell the maker of Assay if it happens again", "请重新插拔；如再次出现请反馈")


@SLOTS()
def m001_slot(db: Database) -> None:
    """Which port is which slot: the same socket of the bench keeps its number for good."""
    db.table("slot").create({"slot": int, "port": str}, pk="slot", not_null={"port"}, strict=True)
    db.table("slot").create_index(["port"], unique=True)


@dataclass(slots=True)
class Slot:
    """One place on the bench and what is plugged in there.

    Attributes:
        number: 1, 2, ...
        port: the port it is bound to.
        link, device, identity: what is plugged in, opened, and who it says it is; None as far as that did not happen.
        trouble: what keeps the phone from being used, and what to do.
        since_ms: when it last came, changed or went.
        flaps: how often the connection broke for a moment since the phone came.
        opened_at: how often it had when `device` was opened.
        log: the last lines of what happened here.
    """

    number: int
    port: str
    link: Link | None = None
    device: Device | None = None
    identity: Identity | None = None
    trouble: tuple[Words, Words] | None = None
    since_ms: int = 0
    flaps: int = 0
    opened_at: int = 0
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    inbox: asyncio.Queue[Change] = field(default_factory=asyncio.Queue)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ready(self) -> bool:
        """Whether a run can start here."""
        return self.device is not None and self.identity is not None

    def note(self, text: str) -> None:
        """Add a line to the log."""
        self.log.append(f"{time.strftime('%H:%M:%S')} {safe_text(text, 200)}")


class Watcher(Protocol):
    """Who follows the bench. Calls come in the engine's loop and must be quick."""

    def changed(self, slot: Slot) -> None:
        """Something about the slot is different."""

    def identified(self, slot: Slot) -> Awaitable[None]:
        """The phone in the slot told who it is."""

    def lost(self, slot: Slot) -> Awaitable[None]:
        """What was plugged in there is gone."""


class Bench:
    """All slots, kept up to date by `follow`."""

    def __init__(self, store: Store, transports: Sequence[Transport], watcher: Watcher) -> None:
        self.slots: dict[int, Slot] = {}
        self.transports = {transport.name: transport for transport in transports}
        self._store, self._watcher = store, watcher
        self._by_port: dict[str, Slot] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Take up the slots that were bound before."""
        rows = await self._store.read(lambda db: list(db.query("SELECT slot, port FROM slot ORDER BY slot")))
        for row in rows:
            self._add(Slot(row["slot"], row["port"]))

    async def follow(self, changes: AsyncIterator[Change]) -> None:
        """Follow what is plugged in until cancelled."""
        async with asyncio.TaskGroup() as group:
            async for change in changes:
                slot = await self._slot_of(change.link.port or change.link.id)
                await self._take(slot, change)
                if slot.number not in self._tasks:
                    self._tasks[slot.number] = group.create_task(self._serve(slot), name=f"slot-{slot.number}")

    async def close(self) -> None:
        """Let go of every device and transport."""
        await asyncio.gather(*self._closing, *(self._let_go(slot) for slot in self.slots.values()))
        for transport in self.transports.values():
            await transport.close()

    @property
    def troubles(self) -> list[DriverError]:
        """What keeps transports from seeing phones right now."""
        return [transport.trouble for transport in self.transports.values() if transport.trouble is not None]

    async def device(self, slot: Slot, failed: Device | None) -> Device | None:
        """The slot's device, None when the phone is gone; one that flapped is waited for until it is opened again.

        `failed` is the device whose link just broke: then wait until discovery says that the phone flapped or is gone.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(FLAP_WAIT_S):
                while failed is not None and slot.link is not None and slot.device is failed:
                    slot.moved.clear()
                    await slot.moved.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_S):
                while slot.link is not None and slot.link.state.usable and not slot.ready:
                    slot.moved.clear()
                    await slot.moved.wait()
        return slot.device if slot.ready else None

    def _add(self, slot: Slot) -> Slot:
        self.slots[slot.number] = self._by_port[slot.port] = slot
        return slot

    async def _slot_of(self, port: str) -> Slot:
        known = self._by_port.get(port)
        if known is not None:
            return known
        number = max(self.slots, default=0) + 1
        with suppress(Trouble):  # a full disk must not hide a phone; the number is bound when it is next seen
            await self._store.write(lambda db: db.table("slot").insert({"slot": number, "port": port}))
        return self._add(Slot(number, port))

    async def _take(self, slot: Slot, change: Change) -> None:
        """What must not wait for the slot's task: the phone is gone, or can't be used any more."""
        slot.since_ms = time.time_ns() // 1_000_000
        slot.flaps = change.flaps
        slot.link = None if change.kind == "gone" else change.link
        if slot.link is None or not slot.link.state.usable:
            was, slot.device, slot.identity = slot.device, None, None
            slot.note(f"{change.link.id} {'gone' if slot.link is None else slot.link.state.value}")
            slot.moved.set()
            await self._watcher.lost(slot)
            closing = asyncio.create_task(_close(was))  # a driver that takes its time must not hold up other phones
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        slot.inbox.put_nowait(change)
        self._watcher.changed(slot)

    async def _serve(self, slot: Slot) -> None:
        again = False
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TRY_AGAIN_S if again else None):
                    await slot.inbox.get()
            while not slot.inbox.empty():
                slot.inbox.get_nowait()
            try:
                again = await self._meet(slot)
            except Exception as error:  # isolation: whatever broke here is this slot's trouble alone
                _log.exception("slot %s", slot.number)
                slot.trouble = (_BENCH_BUG.fill(error=f"{type(error).__name__}: {error}"), _REPLUG)
            self._watcher.changed(slot)

    async def _meet(self, slot: Slot) -> bool:
        """Open and identify what is plugged in now; back comes whether to try again in a while."""
        link = slot.link
        same = link is not None and slot.device is not None and slot.device.link.key == link.key
        if same and slot.ready and slot.opened_at == slot.flaps:
            return False  # the same connection: only what the transport says of it has changed
        await self._let_go(slot)
        slot.trouble = _blocked(link)
        if link is None or slot.trouble is not None:
            return False
        slot.trouble = await self._open(slot, link)
        return slot.trouble is not None

    async def _open(self, slot: Slot, link: Link) -> tuple[Words, Words] | None:
        self._watcher.changed(slot)
        flaps = slot.flaps
        try:
            async with asyncio.timeout(OPEN_S):
                device = await self.transports[link.transport].open(link)
                identity = await _identified(device)
        except DriverError as error:
            slot.note(str(error))
            return error.what, error.next_step
        except TimeoutError:
            return _STATES[LinkState.OFFLINE]
        if slot.link != link or slot.flaps != flaps:  # it went while it answered
            await _close(device)
            return None
        slot.device, slot.identity, slot.opened_at = device, identity, flaps
        slot.moved.set()
        slot.note(f"{link.id} {identity.manufacturer} {identity.model}")
        await self._watcher.identified(slot)
        return None

    async def _let_go(self, slot: Slot) -> None:
        device, slot.device, slot.identity = slot.device, None, None
        await _close(device)


async def _identified(device: Device) -> Identity:
    """Who it is; a device that can't tell is closed, since nobody else knows of it yet."""
    try:
        return await device.identify(deadline_s=IDENTIFY_S)
    except BaseException:
        await _close(device)
        raise


def _blocked(link: Link | None) -> tuple[Words, Words] | None:
    if link is None or link.state.usable:
        return None
    what, next_step = _STATES.get(link.state, _OTHER_STATE)
    return what.fill(state=_MODES.get(link.state) or link.state.value), next_step


async def _close(device: Device | None) -> None:
    if device is not None:
        with suppress(DriverError, TimeoutError):
            async with asyncio.timeout(2):
                await device.close()
