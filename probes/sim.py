"""Whether the phone reads a SIM in each slot, and which network each one is on.

States come from the properties that the telephony service keeps, registration from `dumpsys telephony.registry`, what
is a card and what an eSIM from `dumpsys isub`. No phone tells an empty tray from one that reads nothing: an empty one
fails only where somebody said that a SIM is in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.air import AIRPLANE_ON, READ_AIRPLANE, airplane_mode
from probes.answers import NOT_SAID, Heard, as_value, hear, hear_apart, hear_second, hear_second_apart
from probes.api import Bench, Measurement, NotApplicable, NotRun, Reading, Unread, probe
from probes.isub import READ_SUBSCRIPTIONS, isub
from probes.telephony import READ_FEATURES, pm_features, telephony_registry
from probes.units import FLAG, TEXT

__all__ = [
    "IN_THE_SLOT",
    "NONE_READY",
    "NO_TELEPHONY",
    "READY",
    "READ_REGISTRY",
    "REGISTRATION_WORDS",
    "WAS_READ",
    "cards_in_use",
    "sim",
    "sim_states",
    "states_of",
]

READ_REGISTRY = Command("telephony-registry", "dumpsys telephony.registry", timeout_s=10.0, limit=4 * 1024 * 1024)

#: android.telephony.ServiceState.STATE_*.
REGISTRATION_WORDS = {0: "in_service", 1: "out_of_service", 2: "emergency_only", 3: "power_off"}
#: SIM states in which the card was read (com.android.internal.telephony.IccCardConstants).
READY = ("READY", "LOADED")
#: States of a slot that is there and whose card does not answer as a card does.
_BROKEN = ("CARD_IO_ERROR", "CARD_RESTRICTED", "PERM_DISABLED")
#: States of a card that was read and waits for a person.
_LOCKED = ("PIN_REQUIRED", "PUK_REQUIRED", "NETWORK_LOCKED")
#: States in which a card was read, and those in which one is in, read or not.
WAS_READ = (*READY, *_LOCKED)
IN_THE_SLOT = (*WAS_READ, *_BROKEN)
_EMPTY = ("ABSENT",)
_SLOTS = 2
#: Slots whose state is looked at; phones have up to four, with those of an eSIM.
_MOST_STATES = 8

NO_TELEPHONY = Words("the phone says that it is built without telephony", "手机声明其出厂不带蜂窝功能")
NONE_READY = Words(
    "no slot has a SIM that is ready; put the test SIM in and run this again", "没有就绪的 SIM 卡；请插入测试卡后重测"
)
_UNDECIDED_WORDS = Words(
    "the phone has not decided about its SIM yet ({state}); turn aeroplane mode off, wait a minute, run this again",
    "手机尚未识别 SIM 状态（{state}）；请关闭飞行模式，等待一分钟后重测",
)
_LOCKED_WORDS = Words(
    "the SIM was read and is locked ({state}); unlock it or put the test SIM in, run this again",
    "SIM 卡已识别但被锁定（{state}）；请解锁或更换测试卡后重测",
)
_PUT_IN = Words("no slot has a SIM; put the test SIM in and run this again", "卡槽均无 SIM 卡；请插入测试卡后重测")
_NOBODY_SAID = Words(
    "nobody says how many test SIMs are in (setting “inserted”)", "未说明已插入几张测试卡（设置项“inserted”）"
)


def sim_states(props: Heard) -> list[str]:
    """The state of each slot, as the properties have it; empty where they have none."""
    return states_of(str(props.get("sim_state") or ""))


async def cards_in_use(bench: Bench) -> list[int]:
    """The slots, from 0, whose card is ready for a call or data; reads `getprop`, `pm list features`, aeroplane mode.

    Raises:
        NotApplicable: the phone has no telephony.
        NotRun: aeroplane mode is on, no card is ready, or the phone does not tell.
        DriverError: the properties were not read as a whole.
    """
    props = await hear_apart(bench, getprop.READ, getprop.getprop)
    features = await hear_second_apart(bench, READ_FEATURES, pm_features)
    if features.get("has_telephony") is False:
        raise NotApplicable(NO_TELEPHONY)
    if airplane_mode(bench):
        raise NotRun(AIRPLANE_ON)
    ready = [slot for slot, state in enumerate(sim_states(props)) if state in READY]
    if not ready:
        raise NotRun(NONE_READY if props.facts else props.reason("sim_state"))
    return ready


def states_of(said: str) -> list[str]:
    """The states in one property, `LOADED,ABSENT`; empty where it says nothing."""
    return [state.strip() for state in said.split(",")[:_MOST_STATES]] if said.strip(", \r\n") else []


def _ready_slots(states: Sequence[str], airplane: bool, inserted: int, source: str) -> Reading:
    """How many slots hold a card that was read; unread while nothing speaks against the phone."""
    ready = sum(state in READY for state in states)
    if ready or any(state in _BROKEN for state in states):
        return Measurement("ready_slots", Decimal(ready), source)
    if airplane:
        return Unread("ready_slots", AIRPLANE_ON, source)
    shown = ", ".join(states)
    if any(state in _LOCKED for state in states):
        return Unread("ready_slots", _LOCKED_WORDS.fill(state=shown), source)
    if all(state in _EMPTY for state in states):
        return Measurement("ready_slots", Decimal(0), source) if inserted else Unread("ready_slots", _PUT_IN, source)
    return Unread("ready_slots", _UNDECIDED_WORDS.fill(state=shown), source)


def _slots_in_doubt(states: Sequence[str], airplane: bool, inserted: int, source: str) -> Reading:
    """How many cards that are in were not read: those that answer wrongly, and those of which there is no sign."""
    broken = sum(state in _BROKEN for state in states)
    seen = broken + sum(state in (*READY, *_LOCKED) for state in states)
    undecided = sum(state not in (*READY, *_LOCKED, *_BROKEN, *_EMPTY) for state in states)
    if broken or (inserted and not undecided and not airplane):
        return Measurement("sims_unread", Decimal(broken + max(0, min(inserted, len(states)) - seen)), source)
    if not inserted:
        return Unread("sims_unread", _NOBODY_SAID, source)
    why = AIRPLANE_ON if airplane else _UNDECIDED_WORDS.fill(state=", ".join(states))
    return Unread("sims_unread", why, source)


def _slot(
    number: int, states: Sequence[str], operators: Sequence[str], registry: Heard, cards: Heard
) -> Iterator[Reading]:
    name = f"slot{number + 1}"
    if number < len(states) and states[number]:
        yield Measurement(f"{name}_state", as_value(states[number]), "getprop gsm.sim.state")
    else:
        yield Unread(f"{name}_state", NOT_SAID, "getprop gsm.sim.state")
    embedded = cards.get(f"slot{number}_embedded")
    if embedded is None:
        yield Unread(f"{name}_kind", cards.reason(f"slot{number}_embedded"), "dumpsys isub")
    else:
        yield Measurement(f"{name}_kind", "eSIM" if embedded else "SIM", "dumpsys isub: isEmbedded")
    phone = f"phone{number}"
    spoken = registry.get(f"{phone}_operator") or registry.get(f"{phone}_operator_any")
    operator, source = (spoken, registry.source) if spoken else ("", "getprop gsm.operator.alpha")
    if not operator and number < len(operators):
        operator = operators[number].strip()
    yield (
        Measurement(f"{name}_operator", as_value(operator), source)
        if operator
        else Unread(f"{name}_operator", NOT_SAID, source)
    )
    code = registry.get(f"{phone}_voice_reg")
    if code is None:
        yield Unread(f"{name}_service", registry.reason(f"{phone}_voice_reg"), registry.source)
    else:
        word = REGISTRATION_WORDS.get(code, f"code {code}")
        yield Measurement(f"{name}_service", word, f"{registry.source}: mVoiceRegState")
    rsrp = registry.get(f"{phone}_lte_rsrp_dBm")
    if rsrp is None:
        yield Unread(f"{name}_rsrp", registry.reason(f"{phone}_lte_rsrp_dBm"), registry.source)
    else:
        yield Measurement(f"{name}_rsrp", Decimal(rsrp), f"{registry.source}: LTE RSRP")


_OF_A_SLOT = (("state", TEXT), ("kind", TEXT), ("operator", TEXT), ("service", TEXT), ("rsrp", "dB[m]"))


@probe(
    "android.sim",
    needs=Shell,
    reads=(getprop.READ, READ_REGISTRY, READ_FEATURES, READ_SUBSCRIPTIONS, READ_AIRPLANE),
    measures={
        "slots": "1",
        "ready_slots": "1",
        "sims_unread": "1",
        "esim_built_in": FLAG,
        **{f"slot{number + 1}_{what}": unit for number in range(_SLOTS) for what, unit in _OF_A_SLOT},
    },
    names={
        "sims_unread": Words("SIMs not read", "未识别的卡"),
        "esim_built_in": Words("eSIM built in", "内置 eSIM"),
        "slot1_kind": Words("slot 1, kind", "卡 1 类型"),
        "slot2_kind": Words("slot 2, kind", "卡 2 类型"),
    },
)
async def sim(bench: Bench, *, inserted: int = 0) -> AsyncIterator[Reading]:
    """State, kind, operator, registration and signal of each SIM slot.

    Settings: `inserted`, how many test SIMs were put in (or test profiles are on the eSIM); 0 where nobody says.
    """
    said = hear(bench, getprop.READ, getprop.getprop)
    registry = hear_second(bench, READ_REGISTRY, telephony_registry)
    cards = hear_second(bench, READ_SUBSCRIPTIONS, isub, "dumpsys isub")
    features = hear_second(bench, READ_FEATURES, pm_features)
    if features.get("has_telephony") is False:
        raise NotApplicable(NO_TELEPHONY)
    source = "getprop gsm.sim.state"
    states = sim_states(said)
    operators = str(said.get("operator") or "").split(",")
    if states:
        airplane = airplane_mode(bench)
        yield Measurement("slots", Decimal(len(states)), source)
        yield _ready_slots(states, airplane, inserted, source)
        yield _slots_in_doubt(states, airplane, inserted, source)
    else:
        for name in ("slots", "ready_slots", "sims_unread"):
            yield Unread(name, said.reason("sim_state"), source)
    if (built_in := features.get("has_esim")) is None:
        yield Unread("esim_built_in", features.reason("has_esim"), "pm list features")
    else:
        yield Measurement("esim_built_in", built_in, "pm list features: android.hardware.telephony.euicc")
    for number in range(min(_SLOTS, max(len(states), 1))):
        for found in _slot(number, states, operators, registry, cards):
            yield found
