"""Whether the phone's keys work: each is asked for in a random order and seen as the kernel sees it.

The phone answers, not the person: a prompt goes away when its key was pressed and let go. Skipping a prompt is not an
answer either; then the person is asked whether the key was pressed at all, so that a dead key and an idle hand are two
things. Stands on `InputEvents`; how many bounces are too many is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Literal, NamedTuple

from drivers.api import InputEvent, InputEvents
from drivers.text import Words
from probes.answers import why_nothing
from probes.apart import apart
from probes.api import (
    Bench,
    Choice,
    Measurement,
    Person,
    Prompt,
    PromptKind,
    PromptTimedOut,
    Reading,
    Skipped,
    Unread,
    probe,
)
from probes.getevent import InputDevice, devices_of
from probes.live import EventQueue
from probes.units import FLAG, LIST

__all__ = ["KEYS", "Key", "KeyName", "keys"]

KeyName = Literal["volume-up", "volume-down", "power", "home", "camera", "action", "mute", "alert-slider", "headset"]


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a phone: its kernel codes, the labels that `getevent -l` prints for them, and its name to people.

    `ask` is what to do with it where pressing is not it; `switch` says that the codes are those of EV_SW.
    """

    codes: tuple[int, ...]
    labels: tuple[str, ...]
    words: Words
    ask: Words | None = None
    switch: bool = False


#: Kernel codes and labels: linux/input-event-codes.h.
KEYS: Mapping[KeyName, Key] = {
    "volume-up": Key((0x73,), ("KEY_VOLUMEUP",), Words("volume up", "音量加")),
    "volume-down": Key((0x72,), ("KEY_VOLUMEDOWN",), Words("volume down", "音量减")),
    "power": Key((0x74,), ("KEY_POWER",), Words("power", "电源")),
    "home": Key((0x66, 0xAC), ("KEY_HOME", "KEY_HOMEPAGE"), Words("home", "主页")),
    "camera": Key((0xD4,), ("KEY_CAMERA",), Words("camera", "拍照")),
    # KEY_ASSISTANT, and 703 of phones with a key for their own assistant
    "action": Key((0x247, 0x2BF), ("KEY_ASSISTANT", "02bf"), Words("action or assistant", "快捷（或语音助手）")),
    "mute": Key((0x71,), ("KEY_MUTE",), Words("mute", "静音")),
    # three positions as keys of their own: 601 to 603 (tri-state-key of OnePlus kernels)
    "alert-slider": Key(
        (0x259, 0x25A, 0x25B),
        ("0259", "025a", "025b"),
        Words("alert slider", "三段式按键"),
        Words("Move the alert slider to another position and back", "拨动三段式按键到另一档再拨回"),
    ),
    "headset": Key(
        (0x02, 0x04),
        ("SW_HEADPHONE_INSERT", "SW_MICROPHONE_INSERT"),
        Words("headset socket", "耳机插孔"),
        Words("Plug a wired headset in and pull it out again", "插入有线耳机再拔出"),
        switch=True,
    ),
}

#: linux/input-event-codes.h.
_EV_KEY, _EV_SW = 1, 5
#: Devices with more keys than this are keyboards of televisions and test drivers: they list what no phone has.
_MOST_KEYS = 24
_UP, _DOWN, _REPEAT = 0, 1, 2
#: Two presses closer than this are one press with a bouncing contact: a finger needs 100 ms and more for a second one,
#: and contacts settle within 20 ms (the kernel's gpio-keys debounces for 5 ms unless a board asks for more).
BOUNCE_S = 0.05
#: How long to listen on for bounces after a key was let go, in seconds of the bench.
SETTLE_S = 0.25

_ASK = Words("Press the {key} key once and let it go", "请按一下{key}键并松开")
_ASK_STEP = Words("This goes on by itself as soon as the phone sees the key.", "手机检测到按键后会自动继续。")
_TRIED = Words("The {key} key was not seen. Did you press it?", "未检测到{key}键。您按过吗？")
_DEAD = Words("Pressed, and nothing happened", "按了，没有反应")
_IDLE = Words("Not pressed", "没有按")
_NOT_PRESSED = Words("the key was not pressed", "未按此键")
_NOT_PRESSED_WHY = Words("the key was not pressed: {why}", "未按此键：{why}")
_HELD_DOWN = Words("the key is down before anybody pressed it", "无人按键时该键已处于按下状态")
_NOT_LISTED = Words("the phone lists no input device with this key", "手机的输入设备中没有此键")
_NO_DEVICES = Words("the phone lists no input devices: {why}", "手机未列出输入设备：{why}")
_OVER = Words("the time for all keys was over; run this again", "按键检测的总时间已到；请重测")


def _is_of_keys(event: InputEvent) -> bool:
    return event.type in (_EV_KEY, _EV_SW)


def _measure(name: KeyName) -> str:
    return f"seen_{name.replace('-', '_')}"


def _codes(printed: Iterable[str], key: Key) -> set[int]:
    """Which of the key's codes a device prints, as labels or as numbers."""
    numbers = {f"{code:04x}": code for code in key.codes}
    labels = dict(zip(key.labels, key.codes, strict=False))
    return {(numbers | labels)[word] for word in printed if word in numbers or word in labels}


@dataclass(slots=True)
class _Seen:
    """What was seen of all keys so far."""

    bounces: int = 0
    stuck: list[KeyName] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class _Press:
    """Waits until one key was pressed and let go, and notes what else was seen meanwhile."""

    def __init__(
        self, stream: EventQueue, asked: KeyName, watched: Mapping[tuple[int, int], KeyName], stuck_s: float
    ) -> None:
        self._stream, self._asked, self._watched, self._stuck_s = stream, asked, watched, stuck_s
        self.down = False
        self.stuck = False
        self.bounces = 0
        self.wrong: list[KeyName] = []

    async def _next(self) -> InputEvent:
        """The next event of the asked key; those of other keys are noted."""
        while True:
            event = await self._stream.next()
            name = self._watched.get((event.type, event.code))
            if name == self._asked:
                return event
            if name and event.value == _DOWN and not self.down:
                self.wrong.append(name)

    async def wait(self) -> None:
        """Until the asked key went down and up, or stayed down for too long."""
        while not self.down:
            event = await self._next()
            self.down = event.value in (_DOWN, _REPEAT)
        try:
            async with asyncio.timeout(self._stuck_s):
                while event.value != _UP:
                    event = await self._next()
        except TimeoutError:
            self.stuck = True
            return
        await self._settle(event.time_s)

    async def _settle(self, up_s: float) -> None:
        """Count presses that follow the release faster than a finger can."""
        try:
            async with asyncio.timeout(SETTLE_S):
                while True:
                    event = await self._next()
                    if event.value == _DOWN and event.time_s - up_s <= BOUNCE_S:
                        self.bounces += 1
                    elif event.value == _UP:
                        up_s = event.time_s
        except (TimeoutError, PromptTimedOut):
            return


async def _race(person: Person, prompt: Prompt, press: _Press) -> Skipped | None:
    """None when the key was seen, else the skip that came before; the loser of the race is taken away.

    Raises the DriverError of a broken link, and PromptTimedOut when nobody pressed or skipped in time.
    """
    asking = asyncio.ensure_future(person.ask(prompt))
    watching = asyncio.ensure_future(press.wait())
    try:
        await asyncio.wait((asking, watching), return_when=asyncio.FIRST_COMPLETED)
        if not watching.done() and press.down:  # the key went down while the prompt ended: let it come up
            await asyncio.wait((watching,))
        if watching.done():
            watching.result()
            return None
        try:
            asking.result()
        except Skipped as skipped:
            return skipped
        return Skipped(_NOT_PRESSED)  # an answer to what has none
    finally:
        for task in (asking, watching):
            task.cancel()
        await asyncio.gather(asking, watching, return_exceptions=True)


async def _why_unseen(person: Person, name: KeyName, skipped: Skipped, timeout_s: float) -> Words | None:
    """None where the person says that the unseen key was pressed, else why it was not pressed."""
    key = KEYS[name].words
    choices = (Choice("no-reaction", _DEAD, "-"), Choice("not-pressed", _IDLE, "0"))
    title = Words(_TRIED.en.format(key=key.en), _TRIED.zh.format(key=key.zh))
    try:
        answer = await person.ask(Prompt(f"{name}-unseen", PromptKind.CHOICE, title, (), choices, timeout_s))
    except Skipped as again:
        return _NOT_PRESSED_WHY.fill(why=again.reason)
    return None if answer.value == "no-reaction" else _NOT_PRESSED_WHY.fill(why=skipped.reason)


def _prompt(name: KeyName, timeout_s: float) -> Prompt:
    key = KEYS[name].words
    title = KEYS[name].ask or Words(_ASK.en.format(key=key.en), _ASK.zh.format(key=key.zh))
    return Prompt(name, PromptKind.WAIT, title, (_ASK_STEP,), (), timeout_s)


def _held(devices: Sequence[InputDevice], names: Iterable[KeyName]) -> list[KeyName]:
    """Keys that the listing shows as down before anybody was asked."""
    return [name for name in names if any(_codes(device.held, KEYS[name]) for device in devices)]


def _listed(devices: Sequence[InputDevice], name: KeyName) -> bool:
    """Whether a device that can be a phone's own lists the key."""
    key = KEYS[name]
    return any(
        _codes(device.switches if key.switch else device.keys, key)
        for device in devices
        if len(device.keys) <= _MOST_KEYS and "uinput" not in device.name
    )


class _Listed(NamedTuple):
    """What the list of input devices says: keys to ask for, which of them an event is of, and which are down."""

    asked: tuple[KeyName, ...]
    watched: dict[tuple[int, int], KeyName]
    held: list[KeyName]


def _looked_through(keys: Sequence[KeyName], also: Sequence[KeyName], listing: bytes) -> _Listed | None:
    """None where it lists no devices."""
    devices = devices_of(listing)
    if not devices:
        return None
    asked = (*keys, *(name for name in also if name not in keys and _listed(devices, name)))
    watched = {
        (_EV_SW if KEYS[name].switch else _EV_KEY, code): name
        for name in asked
        for device in devices
        for code in _codes(device.switches if KEYS[name].switch else device.keys, KEYS[name])
    }
    return _Listed(asked, watched, _held(devices, asked))


def _order(names: Sequence[KeyName]) -> list[KeyName]:
    """A new order each time, so that pressing without reading shows."""
    return random.SystemRandom().sample(list(names), len(names))


async def _one_key(
    person: Person,
    stream: EventQueue,
    name: KeyName,
    watched: Mapping[tuple[int, int], KeyName],
    seen: _Seen,
    limits: tuple[float, float],
) -> Reading:
    timeout_s, stuck_s = limits
    press = _Press(stream, name, watched, stuck_s)
    skipped = await _race(person, _prompt(name, timeout_s), press)
    seen.bounces += press.bounces
    seen.wrong += [f"{name}: {other}" for other in dict.fromkeys(press.wrong)]
    if press.stuck and name not in seen.stuck:
        seen.stuck.append(name)
    source = "kernel input events"
    if skipped is None:
        return Measurement(_measure(name), True, source)
    why = await _why_unseen(person, name, skipped, timeout_s)
    if why is None:
        return Measurement(_measure(name), False, f"{source}; the person pressed it")
    return Unread(_measure(name), why, source)


@probe(
    "android.keys",
    needs=InputEvents,
    measures={
        **{_measure(name): FLAG for name in KEYS},
        "bounces": "1",
        "stuck": FLAG,
        "stuck_keys": LIST,
        "wrong_keys": LIST,
    },
    names={
        "seen_action": Words("action key", "快捷键"),
        "seen_mute": Words("mute key", "静音键"),
        "seen_alert_slider": Words("alert slider", "三段式按键"),
        "seen_headset": Words("headset socket", "耳机插孔"),
    },
    asks=True,
)
async def keys(
    bench: Bench,
    *,
    keys: tuple[KeyName, ...] = ("volume-up", "volume-down", "power"),
    also: tuple[KeyName, ...] = (),
    timeout_s: int = 60,
    stuck_s: int = 10,
    total_s: int = 600,
) -> AsyncIterator[Reading]:
    """Each key pressed once in a random order: seen down and up, bounces, stuck.

    Settings: `keys`, which to ask for; `also`, which to ask for where the phone lists them; `timeout_s`, seconds for
    each; `stuck_s`, seconds after which a key that is not let go counts as stuck; `total_s`, seconds for all.
    """
    inputs = bench.capability(InputEvents)  # type: ignore[type-abstract]  # a protocol names the capability
    listing = await inputs.describe(deadline_s=10.0)
    if listing.failure is not None:
        raise listing.failure
    listed = await apart(partial(_looked_through, keys, also), listing.stdout)
    if listed is None:
        why = why_nothing(listing)
        reason = Words(_NO_DEVICES.en.format(why=why.en), _NO_DEVICES.zh.format(why=why.zh))
        for name in (*map(_measure, keys), "bounces", "stuck"):
            yield Unread(name, reason, "getevent -lp")
        return
    asked, watched = listed.asked, listed.watched
    seen = _Seen(stuck=listed.held)
    async with inputs.events(deadline_s=float(total_s)) as events:
        stream = EventQueue(events, _is_of_keys, PromptTimedOut(_OVER))
        try:
            for name in _order(asked):
                if name not in watched.values():
                    yield Unread(_measure(name), _NOT_LISTED, "getevent -lp")
                    continue
                if name in seen.stuck:  # what is down already can't be pressed
                    yield Unread(_measure(name), _HELD_DOWN, "getevent -lp")
                    continue
                yield await _one_key(bench.person, stream, name, watched, seen, (float(timeout_s), float(stuck_s)))
        finally:
            await stream.close()
    if not watched:
        return
    yield Measurement("bounces", Decimal(seen.bounces), "kernel input events")
    yield Measurement("stuck", bool(seen.stuck), "kernel input events")
    if seen.stuck:
        yield Measurement("stuck_keys", tuple(seen.stuck), "kernel input events")
    if seen.wrong:
        yield Measurement("wrong_keys", tuple(seen.wrong), "asked: pressed first")
