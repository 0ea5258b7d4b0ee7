"""The fingerprint sensor of a simulated phone: its service's counters, and the finger that is laid on it.

The dump is AOSP's: one JSON object and the deaths of the HAL.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["HANDS", "SECTION", "SERVICES", "Section"]

SECTION = "biometrics"
_REACH_S = 0.1


class Section(Data):
    """The sensor.

    Attributes:
        fitted: whether the phone has one at all. enrolled: fingers that it knows. hal_deaths: since the start.
        dead: it feels no finger. rejects: it feels fingers and accepts none.
    """

    fitted: bool = True
    enrolled: int = 1
    hal_deaths: int = 0
    dead: bool = False
    rejects: bool = False


def _counts(state: PhoneState) -> dict[str, int]:
    found: dict[str, int] = state.scratch.setdefault("fingers", {"accept": 31, "reject": 4, "acquire": 44})
    return found


def _dump(state: PhoneState, arguments: Sequence[str]) -> str | None:
    sensor = state.part(Section)
    if not sensor.fitted or state.persona.android.sdk < 23:
        return None
    names = ("accept", "reject", "acquire")
    counts = _counts(state)
    entry = {"id": 0, "count": sensor.enrolled, **{name: counts[name] for name in names}, "lockout": 0}
    entry |= {"permanentLockout": 0, "acceptCrypto": 0, "rejectCrypto": 0, "acquireCrypto": 0, "lockoutCrypto": 0}
    shown = json.dumps({"service": "Fingerprint Manager", "prints": [entry]}, separators=(",", ":"))
    if state.persona.android.sdk >= 30:
        head = "Dumping for sensorId: 0, provider: FingerprintProvider"
        return f"{head}\n{shown}\nHAL deaths since last reboot: {sensor.hal_deaths}\n"
    return f"{shown}\nHAL Deaths: {sensor.hal_deaths}\n"


async def _use(phone: SimulatedPhone, prompt: str) -> str | None:
    """Lay the finger on it until it is accepted; who is not gives up after some tries."""
    sensor, counts = phone.state.part(Section), _counts(phone.state)
    for _ in range(3):
        await asyncio.sleep(_REACH_S)
        if not sensor.dead:
            counts["acquire"] += 1
            counts["reject" if sensor.rejects else "accept"] += 1
        if not sensor.dead and not sensor.rejects:
            return None
    await asyncio.sleep(1.0)
    return "no-reaction"


SERVICES = {"fingerprint": _dump}
HANDS = {r"biometric-use": _use}
