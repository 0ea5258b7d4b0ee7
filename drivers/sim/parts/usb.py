"""The USB port of a simulated phone, as `dumpsys usb` and the kernel's files show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.state import PhoneState

__all__ = ["FILES", "SECTION", "SERVICES", "Section"]

SECTION = "usb"


class Section(Data):
    """The port.

    Attributes:
        speed, best_speed: what the controller agreed on and could do, in the kernel's words.
        orientation: `normal` or `reverse`; empty where the port does not know.
        contaminant: AOSP's contaminant status.
        configured: whether the host has configured the device.
    """

    speed: str = "super-speed"
    best_speed: str = "super-speed-plus"
    orientation: str = "normal"
    contaminant: str = "not-detected"
    configured: bool = True


def _usb(state: PhoneState, arguments: Sequence[str]) -> str:
    return _nested(state) if state.persona.android.sdk >= 28 else _indented(state)


def _nested(state: PhoneState) -> str:
    """Android 9 and later: groups of `name=value`."""
    section = state.part(Section)
    configured = _flag(section.configured)
    kernel = "CONFIGURED" if section.configured else "CONNECTED"
    handler = [
        "current_functions_applied=true", "screen_locked=false", "connected=true", f"configured={configured}",
        "host_connected=false", "source_power=false", "sink_power=true", "usb_charging=false",
        "audio_accessory_connected=false", f"kernel_state={kernel}", "kernel_function_list=ffs",
    ]  # fmt: skip
    status = [
        "connected=true", "current_mode=ufp", "power_role=sink", "data_role=device",
        f"contaminant_presence_status={section.contaminant}",
    ]  # fmt: skip
    return "\n".join(
        [
            "USB MANAGER STATE (dumpsys usb):",
            "{",
            "  device_manager={",
            "    handler={",
            *(f"      {line}" for line in handler),
            "    }",
            "  }",
            "  host_manager={",
            "    num_connects=0",
            "  }",
            "  port_manager={",
            "    is_simulation_active=false",
            "    usb_ports={",
            "      port={",
            "        id=port0",
            "        supported_modes=dual",
            "      }",
            "      status={",
            *(f"        {line}" for line in status),
            "      }",
            "      can_change_mode=true",
            "    }",
            "  }",
            "}",
            "",
        ]
    )


def _indented(state: PhoneState) -> str:
    """Android 5 to 8: indented `name: value`, and a port in one line where there is one."""
    section = state.part(Section)
    kernel = "CONFIGURED" if section.configured else "CONNECTED"
    lines = [
        "USB Manager State:",
        "  USB Device State:",
        "    mCurrentFunctions: adb",
        "    mCurrentFunctionsApplied: true",
        "    mConnected: true",
        f"    mConfigured: {_flag(section.configured)}",
        "    mCurrentAccessory: null",
        f"    Kernel state: {kernel}",
        "    Kernel function list: ffs",
        "  USB Host State:",
        "  USB Port State:",
        "    <no ports>",
        "  USB Audio Devices:",
        "",
    ]
    return "\n".join(lines)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _file(value: Callable[[Section], str], since: int) -> Callable[[PhoneState], str | None]:
    def file(state: PhoneState) -> str | None:
        text = value(state.part(Section))
        return f"{text}\n" if text and state.persona.android.sdk >= since else None

    return file


def _orientation(state: PhoneState) -> str | None:
    """Which way round the plug is; `plug` in the phone's scratch holds what a hand has made of it."""
    text = state.part(Section).orientation
    if not text or state.persona.android.sdk < 31:
        return None
    return f"{state.scratch.get('plug', text)}\n"


SERVICES = {"usb": _usb}
FILES = {
    "/sys/class/udc/11210000.dwc3/current_speed": _file(lambda port: port.speed, 26),
    "/sys/class/udc/11210000.dwc3/maximum_speed": _file(lambda port: port.best_speed, 26),
    "/sys/class/typec/port0/orientation": _orientation,
}
