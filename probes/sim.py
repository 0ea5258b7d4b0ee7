"""Whether the phone reads a SIM in each slot, and which network each one is on.

States come from the properties that the telephony service keeps, registration from `dumpsys telephony.registry`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import NOT_SAID, Heard, as_value, hear, hear_second
from probes.api import Bench, Measurement, NotApplicable, Reading, Unread, probe
from probes.telephony import READ_FEATURES, pm_features, telephony_registry
from probes.units import TEXT

__all__ = ["REGISTRATION_WORDS", "sim"]

_REGISTRY = Command("telephony-registry", "dumpsys telephony.registry", timeout_s=10.0, limit=4 * 1024 * 1024)

#: android.telephony.ServiceState.STATE_*.
REGISTRATION_WORDS = {0: "in_service", 1: "out_of_service", 2: "emergency_only", 3: "power_off"}
#: SIM states in which the card was read (com.android.internal.telephony.IccCardConstants).
_READY = ("READY", "LOADED")
#: States that say nothing of the tray or the card.
_UNDECIDED = ("UNKNOWN", "NOT_READY", "")
_SLOTS = 2

_NO_TELEPHONY = Words("the phone says that it is built without telephony", "手机声明其出厂不带蜂窝功能")
_UNDECIDED_WORDS = Words(
    "the phone has not decided about its SIM yet ({state}); turn aeroplane mode off, wait a minute, run this again",
    "手机尚未识别 SIM 状态（{state}）；请关闭飞行模式，等待一分钟后重测",
)


def _ready_slots(states: list[str], source: str) -> Reading:
    """How many slots hold a card that was read; unread while no slot is decided in the phone's favour."""
    ready = sum(state in _READY for state in states)
    undecided = [state for state in states if state in _UNDECIDED]
    if not ready and undecided:
        return Unread("ready_slots", _UNDECIDED_WORDS.fill(state=", ".join(states)), source)
    return Measurement("ready_slots", Decimal(ready), source)


def _slot(number: int, states: list[str], operators: list[str], registry: Heard) -> Iterator[Reading]:
    name = f"slot{number + 1}"
    if number < len(states) and states[number]:
        yield Measurement(f"{name}_state", as_value(states[number]), "getprop gsm.sim.state")
    else:
        yield Unread(f"{name}_state", NOT_SAID, "getprop gsm.sim.state")
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


@probe(
    "android.sim",
    needs=Shell,
    reads=(getprop.READ, _REGISTRY, READ_FEATURES),
    measures={
        "slots": "1",
        "ready_slots": "1",
        **{
            f"slot{number + 1}_{what}": unit
            for number in range(_SLOTS)
            for what, unit in (("state", TEXT), ("operator", TEXT), ("service", TEXT), ("rsrp", "dB[m]"))
        },
    },
)
async def sim(bench: Bench) -> AsyncIterator[Reading]:
    """State, operator, registration and signal of each SIM slot."""
    said = hear(bench, getprop.READ, getprop.getprop)
    registry = hear_second(bench, _REGISTRY, telephony_registry)
    if hear_second(bench, READ_FEATURES, pm_features).get("has_telephony") is False:
        raise NotApplicable(_NO_TELEPHONY)
    source = "getprop gsm.sim.state"
    states = [state.strip() for state in str(said.get("sim_state") or "").split(",")]
    operators = str(said.get("operator") or "").split(",")
    if said.get("sim_state"):
        yield Measurement("slots", Decimal(len(states)), source)
        yield _ready_slots(states, source)
    else:
        for name in ("slots", "ready_slots"):
            yield Unread(name, said.reason("sim_state"), source)
    for number in range(min(_SLOTS, max(len(states), 1))):
        for found in _slot(number, states, operators, registry):
            yield found
