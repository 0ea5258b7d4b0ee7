"""What all radios of a simulated phone share: `svc`, and the rare ones (ultra-wideband, infrared, FM)."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.sim.channel import Reply
from drivers.sim.parts import bluetooth, mobile, nfc
from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["COMMANDS", "FEATURES", "SECTION", "SERVICES", "SETTINGS", "Section"]

SECTION = "radios"


class Section(Data):
    """The rare radios.

    Attributes:
        uwb: state of the ultra-wideband chip as its service prints it; empty: there is none.
        infrared: whether there is a sender.
        infrared_service: whether its service runs.
        esim: whether an eSIM is built in.
    """

    uwb: str = ""
    infrared: bool = False
    infrared_service: bool = True
    esim: bool = False


def _uwb(state: PhoneState, arguments: Sequence[str]) -> str | None:
    chip = state.part(Section).uwb
    if not chip:
        return None
    return f"---- Dump of UwbServiceCore ----\nDevice state = DEVICE_STATE_{chip} for chip id = default\n"


#: API level from which `svc` can switch it; what it does not know it answers with its help, and no error (AOSP Svc).
_SVC_SINCE = {"nfc": 24, "bluetooth": 28}


def _svc(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    what, verb, *_ = (*arguments, "", "")
    if state.persona.android.sdk < _SVC_SINCE.get(what, 0):
        what = ""
    if what in ("wifi", "bluetooth", "nfc", "data") and verb in ("enable", "disable"):
        on = verb == "enable"
        if what == "wifi":
            state.wifi_enabled = on and state.persona.wifi.present
        else:
            {"bluetooth": bluetooth.switch, "nfc": nfc.switch, "data": mobile.switch_data}[what](state, on)
        return Reply()
    if what in ("power", "usb") and verb:
        return Reply()
    return Reply(stderr="Available commands:\n    help     Show information about the subcommands")


def _infrared(state: PhoneState, arguments: Sequence[str]) -> str | None:
    """The service of the infrared sender dumps nothing."""
    section = state.part(Section)
    return "" if section.infrared and section.infrared_service else None


SERVICES = {"consumer_ir": _infrared, "uwb": _uwb}
COMMANDS = {"svc": _svc}
FEATURES = {
    "android.hardware.uwb": lambda state: bool(state.part(Section).uwb),
    "android.hardware.consumerir": lambda state: state.part(Section).infrared,
    "android.hardware.telephony.euicc": lambda state: state.part(Section).esim,
}
SETTINGS = {"global wifi_on": lambda state: str(int(state.wifi_enabled))}
