"""A test call: two people say digits to each other, and each types what was heard before the other types what was said.

How many digits, and which way first, is new each time; nothing that must be heard stands on the screen. The phone
itself says whether it was in a call. Short numbers are never called: they are those of emergency services.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass

from drivers.api import Shell
from drivers.text import Words
from probes import getprop
from probes.air import READ_AIRPLANE
from probes.answers import hear_second_apart, unread
from probes.apart import apart
from probes.api import Bench, Choice, Measurement, NotRun, Prompt, PromptKind, Reading, Unread, probe
from probes.sim import READ_REGISTRY, cards_in_use
from probes.telephony import READ_FEATURES, telephony_registry
from probes.units import FLAG

__all__ = ["call", "digits_of", "may_call"]

#: The fewest digits of a number that may be called. Emergency numbers have two or three (3GPP TS 22.101, 10.1.1; ITU-T
#: E.161.1), numbers of services up to four.
LEAST_DIGITS = 5
#: How many digits are said: more than can be guessed, fewer than people forget.
_FEWEST, _MOST = 4, 6
_SLOTS = 8
#: android.telephony.TelephonyManager.CALL_STATE_OFFHOOK.
_OFFHOOK = 2

_NO_SERVICE = Words(
    "the phone is on no network, so it can't call; see the check “cellular”",
    "手机未注册网络，无法通话；请见“蜂窝网络”检测项",
)
_SHORT = Words(
    "the number of the test call is a short one; those are for emergencies",
    "测试号码为短号；短号用于紧急服务，禁止拨打",
)
_IDLE = Words(
    "the phone is in no call by its own word; connect the call, then run this again",
    "手机显示当前没有通话；请先接通再重测",
)
_NOT_SO_MANY = Words("{typed} digits were said, {wanted} were asked for", "实际说了 {typed} 位数字，要求 {wanted} 位")
_NO_LINE = Words("the call was not connected", "通话未接通")

_DIAL = Words("Call the shop's other phone from this phone", "用本机拨打店内另一部电话")
_DIAL_NUMBER = Words("Call {number} from this phone", "用本机拨打 {number}")
_DIAL_STEPS = (
    Words("A second person answers, out of earshot", "由另一人在听不到本机声音处接听"),
    Words("Never call an emergency number", "严禁拨打紧急号码"),
    Words("Hang up after the last question", "回答完最后一题后挂断"),
)
_CONNECTED = Words("The call is connected", "已接通")
_FAILED = Words("No connection", "无法接通")
_ASK_HERE = Words(
    "Ask the other person to say {count} digits. Which did you hear on this phone?",
    "请对方说出 {count} 位数字。您在本机听到的是？",
)
_ASK_THERE = Words(
    "Say {count} digits into this phone. Which did the other person hear?",
    "请对着本机说出 {count} 位数字。对方听到的是？",
)
_SAID_THERE = Words("Which digits did the other person say?", "对方实际说的数字是？")
_SAID_HERE = Words("Which digits did you say?", "您实际说的数字是？")
_OWN_CHOICE = Words(
    "Whoever speaks chooses the digits; nobody writes them down or tells them before",
    "由说话的一方自选数字，事先不写下、不告知",
)
_THEY_TYPE = Words(
    "What the other person heard they tell you by another way than this call",
    "对方听到的数字请当面或用其他方式告知，不经本次通话",
)


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction: what is measured, and the two prompts. The listener is asked first."""

    measure: str
    heard: tuple[str, Words]
    said: tuple[str, Words]


_WAYS = (
    _Way("heard_here", ("heard-here", _ASK_HERE), ("said-there", _SAID_THERE)),
    _Way("heard_there", ("heard-there", _ASK_THERE), ("said-here", _SAID_HERE)),
)


def digits_of(text: str) -> str:
    """The digits in what somebody typed; full-width and Chinese ones count as what they are."""
    values = (unicodedata.numeric(sign, None) for sign in text)
    return "".join(str(int(value)) for value in values if value is not None and value in range(10))


def may_call(number: str, emergency: str) -> bool:
    """Whether a number may be called; `emergency` is the phone's own list (`ril.ecclist`), with commas between."""
    digits = digits_of(number)
    return len(digits) >= LEAST_DIGITS and digits not in {digits_of(one) for one in emergency.split(",")}


def _prompt(name: str, title: Words, timeout_s: float, *steps: Words) -> Prompt:
    return Prompt(name, PromptKind.TEXT, title, steps, (), timeout_s)


async def _one_way(bench: Bench, way: _Way, timeout_s: float) -> Reading:
    """What was heard against what was said, in one direction."""
    count = random.SystemRandom().randint(_FEWEST, _MOST)
    title = way.heard[1].fill(count=str(count))
    heard = await bench.person.ask(_prompt(f"{way.heard[0]}-{count}", title, timeout_s, _OWN_CHOICE, _THEY_TYPE))
    said = await bench.person.ask(_prompt(f"{way.said[0]}-{count}", way.said[1], timeout_s))
    spoken = digits_of(said.value)
    if len(spoken) != count:
        return Unread(
            way.measure, _NOT_SO_MANY.fill(typed=str(len(spoken)), wanted=str(count)), f"person {said.person}"
        )
    return Measurement(way.measure, digits_of(heard.value) == spoken, f"person {heard.person}, {count} digits")


async def _in_call(bench: Bench) -> bool | None:
    """Whether the phone says that it is in a call, None when it does not say; raises the DriverError of a bad link."""
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    answer = await shell.run(READ_REGISTRY.script, deadline_s=READ_REGISTRY.timeout_s, limit=READ_REGISTRY.limit)
    if answer.failure is not None:
        raise answer.failure
    facts = (await apart(telephony_registry, answer.stdout)).facts
    states = [state for slot in range(_SLOTS) if (state := facts.get(f"phone{slot}_call_state")) is not None]
    return _OFFHOOK in states if states else None


async def _ready_to_call(bench: Bench) -> None:
    """Raises NotRun for everything that explains why no call can come about."""
    ready = await cards_in_use(bench)
    registry = await hear_second_apart(bench, READ_REGISTRY, telephony_registry)
    services = [registry.get(f"phone{slot}_voice_reg") for slot in ready]
    if any(services) and 0 not in services:
        raise NotRun(_NO_SERVICE)


@probe(
    "android.call",
    needs=Shell,
    reads=(getprop.READ, READ_REGISTRY, READ_FEATURES, READ_AIRPLANE),
    measures={"call_stands": FLAG, "heard_here": FLAG, "heard_there": FLAG},
    names={
        "call_stands": Words("call stands", "通话接通"),
        "heard_here": Words("heard on this phone", "本机听到"),
        "heard_there": Words("heard at the other end", "对方听到"),
    },
    asks=True,
    repeatable=False,
)
async def call(bench: Bench, *, number: str = "", timeout_s: float = 180.0) -> AsyncIterator[Reading]:
    """A test call in which digits are heard both ways.

    Settings: `number`, the shop's test number (no short one); `timeout_s`, seconds for each answer.
    """
    await _ready_to_call(bench)
    props, _, _ = await apart(getprop.properties, bench.answer(getprop.READ.name).stdout)
    if number and not may_call(number, props.get("ril.ecclist", "")):
        raise NotRun(_SHORT)
    choices = (Choice("connected", _CONNECTED, "+"), Choice("no-connection", _FAILED, "-"))
    title = _DIAL_NUMBER.fill(number=number) if number else _DIAL
    answer = await bench.person.ask(Prompt("dial", PromptKind.CHOICE, title, _DIAL_STEPS, choices, timeout_s))
    if answer.value != "connected":
        yield Measurement("call_stands", False, f"person {answer.person}")
        for one in unread(("heard_here", "heard_there"), _NO_LINE):
            yield one
        return
    stands = await _in_call(bench)
    if stands is False:
        raise NotRun(_IDLE)
    yield Measurement(
        "call_stands", True, "dumpsys telephony.registry: mCallState" if stands else f"person {answer.person}"
    )
    for way in random.SystemRandom().sample(_WAYS, len(_WAYS)):
        yield await _one_way(bench, way, timeout_s)
