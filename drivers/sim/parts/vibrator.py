"""The vibration motor of a simulated phone: its services, its command, and the hand that counts the buzzes.

`cmd vibrator_manager` is that of Android 12 and later, `cmd vibrator` that of 8 to 11. A running motor shakes the
accelerometer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from drivers.sim.channel import Reply
from drivers.sim.parts.sensors import body
from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["CMD", "HANDS", "SECTION", "SERVICES", "Section"]

SECTION = "vibrator"


class Section(Data):
    """The motor: how many are listed, and whether it is `dead`: driven, and not turning."""

    motors: int = 1
    dead: bool = False


async def _buzz(state: PhoneState, ms: int) -> AsyncIterator[bytes]:
    """Run the motor for so long; the command ends when it stands."""
    now = state.clock.now()
    if not state.part(Section).dead:
        body(state).shakes.append((now, now + ms / 1000))
        state.scratch["buzzes"] = state.scratch.get("buzzes", 0) + 1
    await asyncio.sleep(ms / 1000)
    if False:
        yield b""


def _played(state: PhoneState, words: Sequence[str]) -> Reply:
    numbers = [int(word) for word in words if word.isdigit()]
    return Reply(_buzz(state, min(numbers[0], 10_000))) if numbers else Reply(stderr="Error: no duration", code=255)


def _manager(state: PhoneState, words: Sequence[str], uid: int) -> Reply:
    if state.persona.android.sdk < 31:
        return Reply(stderr="cmd: Can't find service: vibrator_manager", code=20)
    if words[:1] == ["list"]:
        return Reply("".join(f"{number}\n" for number in range(state.part(Section).motors)).encode())
    if words[:1] == ["synced"] and "oneshot" in words:
        return _played(state, words[words.index("oneshot") :])
    return Reply() if words[:1] == ["cancel"] else Reply(stderr="Vibrator Manager commands:", code=255)


def _vibrator(state: PhoneState, words: Sequence[str], uid: int) -> Reply:
    sdk = state.persona.android.sdk
    if sdk >= 31 or sdk < 26:
        return Reply(stderr="cmd: Can't find service: vibrator", code=20)
    if words[:1] == ["vibrate"] and (sdk >= 29 or "-f" not in words):
        return _played(state, words[1:])
    known = words[:1] == ["cancel"] and sdk >= 29
    return Reply() if known else Reply(stderr=f"Unknown command: {' '.join(words[:1])}", code=255)


def _dump(state: PhoneState, arguments: Sequence[str]) -> str | None:
    if state.persona.android.sdk >= 31:
        return None
    return "Vibrator Service:\n  mLowPowerMode=false\n  mHapticFeedbackIntensity=2\n\n  Previous vibrations:\n"


def _dump_manager(state: PhoneState, arguments: Sequence[str]) -> str | None:
    if state.persona.android.sdk < 31:
        return None
    motors = ", ".join(str(number) for number in range(state.part(Section).motors))
    return f"Vibrator Manager Service:\n  mVibratorIds=[{motors}]\n  mLowPowerMode=false\n  Previous vibrations:\n"


async def _count(phone: SimulatedPhone, prompt: str) -> str | None:
    buzzes = int(phone.state.scratch.get("buzzes", 0)) - int(phone.state.scratch.get("counted", 0))
    phone.state.scratch["counted"] = phone.state.scratch.get("buzzes", 0)
    # The long buzz that only the accelerometer was to feel comes before the first count.
    return str(max(buzzes - (1 if prompt == "buzz-count-1" else 0), 0))


SERVICES = {"vibrator": _dump, "vibrator_manager": _dump_manager}
CMD = {"vibrator_manager": _manager, "vibrator": _vibrator}
HANDS = {r"buzz-count-[12]": _count}
