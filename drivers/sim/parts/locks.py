"""What a simulated phone says of its screen lock: the trust service and the lock settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.state import PhoneState

__all__ = ["SECTION", "SERVICES", "Section"]

SECTION = "lock"


class Section(Data):
    """The screen lock.

    Attributes:
        credential: `NONE`, `PATTERN`, `PIN` or `PASSWORD`.
        locked: whether it asks for it right now.
    """

    credential: str = "PIN"
    locked: bool = False


def _trust(state: PhoneState, arguments: Sequence[str]) -> str | None:
    if state.persona.android.sdk < 23:
        return None
    locked = int(state.part(Section).locked)
    return (
        "Trust manager state:\n"
        f' User "Owner" (id=0, flags=0x4c13) (current): trusted=0, trustManaged=0, deviceLocked={locked}, '
        "strongAuthRequired=0x0\n   Enabled agents:\n   Events:\n"
    )


def _lock_settings(state: PhoneState, arguments: Sequence[str]) -> str | None:
    if state.persona.android.sdk < 30:
        return None
    return (
        "Current lock settings service state:\n\nUser State:\n  User 0\n    SP Handle: 0\n"
        f"    Last changed: 2024-01-11 09:12:44 (never)\n    CredentialType: {state.part(Section).credential}\n"
    )


SERVICES: dict[str, Callable[[PhoneState, Sequence[str]], str | None]] = {
    "trust": _trust,
    "lock_settings": _lock_settings,
}
