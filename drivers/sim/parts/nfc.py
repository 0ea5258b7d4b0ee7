"""NFC of a simulated phone: its service's dump, and switching it."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["FEATURES", "SECTION", "SERVICES", "Section", "switch"]

SECTION = "nfc"
_STATE = "nfc-state"


class Section(Data):
    """The NFC controller.

    Attributes:
        present: whether there is one.
        state: as its service prints it at the start.
        dead: it goes off again when it is switched on.
        tag: id of a tag that the dump tells; few makers' do.
        nci: version of the controller interface that the dump tells.
    """

    present: bool = True
    state: str = "on"
    dead: bool = False
    tag: str = ""
    nci: str = ""


def switch(state: PhoneState, on: bool) -> None:
    """What `svc nfc` does."""
    state.scratch[_STATE] = "on" if on and not state.part(Section).dead else "off"


def _dump(state: PhoneState, arguments: Sequence[str]) -> str | None:
    section, sdk = state.part(Section), state.persona.android.sdk
    if not section.present:
        return None
    now = state.scratch.get(_STATE, section.state)
    lines = [f"mState={now}", "mIsZeroClickRequested=false", "mScreenState=ON_UNLOCKED"]
    if sdk >= 29:
        lines.append("mIsSecureNfcEnabled=false")
    lines += [
        "mTechMask: default" if now == "on" else "mTechMask: 0",
        "mEnableLPD: true",
        "mEnableReader: false",
        f"mEnableHostRouting: {'true' if now == 'on' else 'false'}",
        f"mEnableP2p: {'true' if sdk < 29 else 'false'}",
    ]
    if section.nci:
        lines.append(f"NCI version: {section.nci}")
    if section.tag:
        lines.append(f"Last tag: UID={section.tag}")
    return "\n".join([*lines, "Registered HCE services for current user: ", ""])


SERVICES = {"nfc": _dump}
FEATURES = {"android.hardware.nfc": lambda state: state.part(Section).present}
