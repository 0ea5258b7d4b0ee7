"""Whether each place of the SIM tray reads a card: pulled out and put in by a person, seen by the phone.

One test SIM is enough: it goes through the places of the tray in an order that is drawn for each run, and the phone's
own slot states say where it is. So a dead contact of the second place shows that no single look can show. What a slot
is judged by stands elsewhere. Unverified on a phone: how long makers' telephony takes to notice a tray.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.air import AIRPLANE_ON, READ_AIRPLANE, airplane_mode
from probes.answers import hear_apart, hear_second_apart
from probes.api import Bench, Choice, Measurement, NotApplicable, NotRun, Prompt, PromptKind, Reading, Unread, probe
from probes.isub import READ_SUBSCRIPTIONS, isub
from probes.live import seen_by_the_phone
from probes.sim import IN_THE_SLOT, NO_TELEPHONY, WAS_READ, sim_states, states_of
from probes.telephony import READ_FEATURES, pm_features
from probes.units import FLAG

__all__ = ["sim_tray"]

_POLL_S, _SETTLE_S = 0.5, 3.0
#: A tray holds one SIM card or two; a phone that tells of one slot has one place and is not asked about.
_MOST_PLACES = 2
#: A card put into the other place is asked for once more: trays are small and their places are marked smaller.
_TRIES = 2

_STATE = Command("sim-state", "getprop gsm.sim.state", timeout_s=5.0, limit=4096)
_PLACES = Words("How many SIM cards does the tray of this phone hold?", "此手机卡托可放几张 SIM 卡？")
_PLACES_STEPS = (Words("An eSIM is no place of the tray.", "eSIM 不算卡托卡位。"),)
_ONE, _TWO = Words("one", "一张"), Words("two", "两张")
_OUT = Words("Pull the SIM tray out of the phone", "请拔出 SIM 卡托")
_OUT_STEPS = (Words("Put the customer's cards aside; they go back at the end.", "将客户的卡妥善放置，最后装回。"),)
_IN = Words(
    "Put the test SIM into place {place} of the tray, alone, and push the tray in",
    "请只在卡位 {place} 放入测试卡，然后推入卡托",
)
_IN_STEPS = (
    Words("The places are numbered on the tray or on its paper; wait a moment.", "卡托上标有卡位编号；请稍候识别。"),
)
_OTHER = Words(
    "The phone reads it in place {seen}. Put it into place {place}, alone",
    "手机识别为卡位 {seen}。请仅放入卡位 {place}",
)
_NO_STATES = Words("the phone tells no state of its SIM slots: {why}", "手机未提供 SIM 卡槽状态：{why}")
_NOBODY_PULLED = Words(
    "no card was in when the check began; put the test SIM in and run this again",
    "检测开始时没有插卡；请插入测试卡后重测",
)
_NO_PLACE = Words("the tray has one place", "卡托只有一个卡位")
_WRONG_PLACE = Words("the card was put into another place; run this again", "卡被放入了其他卡位；请重测")


_STAYS = Words(
    "the phone still shows a card there while the tray is out: an eSIM, or a phone that notices cards when it starts",
    "卡托拔出后手机仍显示该卡位有卡：可能为 eSIM，或手机仅在开机时识别",
)


async def _states(shell: Shell) -> list[str]:
    """The slots' states now; raises the DriverError of a broken link."""
    told = await shell.run(_STATE.script, deadline_s=_STATE.timeout_s, limit=_STATE.limit)
    if told.failure is not None:
        raise told.failure
    return states_of(told.text)


async def _watched(shell: Shell, matches: Callable[[Sequence[str]], bool]) -> list[str]:
    """The slots' states as soon as they match."""
    while True:
        states = await _states(shell)
        if states and matches(states):
            return states
        await asyncio.sleep(_POLL_S)


def _slots(states: Sequence[str], among: Sequence[str], but: Collection[int]) -> list[int]:
    """The slots (from 0) in one of these states, but those."""
    return [slot for slot, state in enumerate(states) if state in among and slot not in but]


async def _places(bench: Bench, slots: int, timeout_s: float) -> int:
    if slots < _MOST_PLACES:
        return 1
    choices = (Choice("1", _ONE, "1"), Choice("2", _TWO, "2"))
    prompt = Prompt("tray-places", PromptKind.CHOICE, _PLACES, _PLACES_STEPS, choices, timeout_s)
    return int((await bench.person.ask(prompt)).value)


@dataclass(slots=True)
class _Tray:
    """The tray of one phone, in somebody's hand.

    Attributes:
        staying: slots (from 0) that no tray empties: eSIMs, and those that still held a card when the tray was out.
    """

    bench: Bench
    places: int
    staying: set[int]
    timeout_s: float

    @property
    def _shell(self) -> Shell:
        return self.bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability

    async def out(self, name: str) -> bool:
        """Have the tray pulled; whether the phone saw a card go. What stays all the same is no card of the tray."""
        before = _slots(await _states(self._shell), IN_THE_SLOT, self.staying)
        if not before:
            return False
        gone = _watched(self._shell, lambda states: len(_slots(states, IN_THE_SLOT, self.staying)) < len(before))
        seen = await seen_by_the_phone(self.bench.person, name, _OUT, gone, steps=_OUT_STEPS, timeout_s=self.timeout_s)
        if seen is not None and len(before) > 1:
            await asyncio.sleep(_SETTLE_S)  # two cards of one tray go one after the other
        self.staying |= set(_slots(await _states(self._shell), IN_THE_SLOT, self.staying))
        return seen is not None

    async def read(self, place: int) -> bool | Words:
        """Whether that place reads the card: False when it is in and nothing happens; or why that can't be said."""
        if place - 1 in self.staying and self.places > 1:
            return _STAYS
        title, name = _IN.fill(place=str(place)), f"tray-in-{place}"
        for left in reversed(range(_TRIES)):
            seeing = _watched(self._shell, lambda states: bool(_slots(states, WAS_READ, self.staying)))
            states = await seen_by_the_phone(
                self.bench.person, name, title, seeing, steps=_IN_STEPS, timeout_s=self.timeout_s
            )
            if states is None:
                return False
            held = _slots(states, WAS_READ, self.staying)
            if self.places == 1 or place - 1 in held:
                return True
            if left:
                title, name = _OTHER.fill(seen=str(held[0] + 1), place=str(place)), f"tray-in-{place}-again"
                await self.out(f"tray-out-{place}-again")
        return _WRONG_PLACE


@probe(
    "android.sim-tray",
    needs=Shell,
    reads=(getprop.READ, READ_FEATURES, READ_AIRPLANE, READ_SUBSCRIPTIONS),
    measures={"tray_places": "1", "tray_out_seen": FLAG, "place1_read": FLAG, "place2_read": FLAG},
    names={
        "tray_places": Words("places of the tray", "卡托卡位数"),
        "tray_out_seen": Words("sees the tray go", "识别到卡托拔出"),
        "place1_read": Words("place 1 reads a card", "卡位 1 识别"),
        "place2_read": Words("place 2 reads a card", "卡位 2 识别"),
    },
    asks=True,
    unverified=True,
)
async def sim_tray(bench: Bench, *, timeout_s: float = 90.0) -> AsyncIterator[Reading]:
    """Each place of the SIM tray, one after the other in a drawn order: does the phone read the test SIM in it?

    Settings: `timeout_s` seconds for each prompt.
    """
    said = await hear_apart(bench, getprop.READ, getprop.getprop)
    features = await hear_second_apart(bench, READ_FEATURES, pm_features)
    if features.get("has_telephony") is False:
        raise NotApplicable(NO_TELEPHONY)
    if airplane_mode(bench):
        raise NotRun(AIRPLANE_ON)
    states = sim_states(said)
    if not states:
        raise NotRun(_NO_STATES.fill(why=said.reason("sim_state")))
    cards = await hear_second_apart(bench, READ_SUBSCRIPTIONS, isub, "dumpsys isub")
    embedded = [slot for slot in range(len(states)) if cards.get(f"slot{slot}_embedded")]
    places = await _places(bench, len(states) - len(embedded), timeout_s)
    yield Measurement("tray_places", Decimal(places), "slots of the phone, or a person")
    source = _STATE.script
    tray = _Tray(bench, places, set(embedded), timeout_s)
    if _slots(states, IN_THE_SLOT, embedded):
        yield Measurement("tray_out_seen", await tray.out("tray-out"), source)
    else:
        yield Unread("tray_out_seen", _NOBODY_PULLED, source)
    order = random.SystemRandom().sample(range(1, places + 1), places)
    for at, place in enumerate(order):
        if at:
            await tray.out(f"tray-out-{place}")
        read = await tray.read(place) if len(tray.staying) < len(states) else _STAYS
        name = f"place{place}_read"
        yield Unread(name, read, source) if isinstance(read, Words) else Measurement(name, read, source)
    if places < _MOST_PLACES:
        yield Unread("place2_read", _NO_PLACE, source)
