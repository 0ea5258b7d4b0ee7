"""The panel of a simulated phone: what `dumpsys display`, `dumpsys SurfaceFlinger` and `wm` say of it.

Layouts are AOSP's: DisplayDeviceInfo with modes and HDR types from Android 7, `renderFrameRate`, brightness range and
rounded corners from 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.sim.channel import Reply
from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.state import PhoneState

__all__ = ["COMMANDS", "SECTION", "SERVICES", "Section"]

SECTION = "display"


class Section(Data):
    """What the panel is and what the system makes of it.

    Attributes:
        rates: refresh rates of its modes, hertz; the first is the one in use.
        hdr: HDR types (android.view.Display: 2 HDR10, 3 HLG, 4 HDR10+).
        corner: radius of its rounded corners, pixels.
        override: a size that somebody has set, `WxH`; empty without.
    """

    width: int = 1080
    height: int = 2400
    density: int = 420
    dpi: float = 409.432
    rates: tuple[float, ...] = (60.0, 120.0)
    hdr: tuple[int, ...] = (2, 3, 4)
    corner: int = 102
    override: str = ""
    model: str = "0x401cec6a7a2b7b"


def _modes(state: PhoneState, panel: Section) -> str:
    hdr = ", ".join(str(one) for one in panel.hdr)
    extra = f", alternativeRefreshRates=[], supportedHdrTypes=[{hdr}]" if state.persona.android.sdk >= 31 else ""
    return ", ".join(
        f"{{id={number}, width={panel.width}, height={panel.height}, fps={rate:.6f}{extra}}}"
        for number, rate in enumerate(panel.rates, 1)
    )


def display(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys display`."""
    panel, sdk = state.part(Section), state.persona.android.sdk
    level = state.settings.get(("system", "screen_brightness"), "102")
    head = f'"Built-in Screen": uniqueId="local:0", {panel.width} x {panel.height}, '
    dpi = f"density {panel.density}, {panel.dpi:.3f} x {panel.dpi:.3f} dpi, "
    kind = "INTERNAL" if sdk >= 31 else "BUILT_IN"
    hdr = ", ".join(str(one) for one in panel.hdr)
    if sdk < 23:
        line = f"{head}{panel.rates[0]:.1f} fps, {dpi}touch INTERNAL, rotation 0, type BUILT_IN, state ON"
    else:
        caps = (
            f"HdrCapabilities HdrCapabilities{{mSupportedHdrTypes=[{hdr}], mMaxLuminance=800.0}}, "
            if sdk >= 29
            else "HdrCapabilities android.view.Display$HdrCapabilities@40f16308, "
        )
        line = f"{head}modeId 1, defaultModeId 1, supportedModes [{_modes(state, panel)}], colorMode 0, {caps}{dpi}"
        line += f"appVsyncOff 2000000, presDeadline 11666666, touch INTERNAL, rotation 0, type {kind}, "
        line += f"address {{port=0, model={panel.model}}}, state ON"
    if sdk >= 31:
        line += ", brightnessMinimum 0.0, brightnessMaximum 1.0, brightnessDefault 0.4, roundedCorners RoundedCorners{["
        line += ", ".join(
            f"RoundedCorner{{position={at}, radius={panel.corner}, center=Point({panel.corner}, {panel.corner})}}"
            for at in ("TopLeft", "TopRight", "BottomRight", "BottomLeft")
        )
        line += "]}"
    return (
        "DISPLAY MANAGER (dumpsys display)\n  mGlobalDisplayState=ON\n\nDisplay Devices: size=1\n"
        f"  DisplayDeviceInfo{{{line}, FLAG_DEFAULT_DISPLAY}}\n\nDisplay Power Controller:\n"
        f"  mScreenBrightness={level}\n"
    )


def surface_flinger(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys SurfaceFlinger`, without its layers."""
    panel = state.part(Section)
    return (
        "Build configuration: [sf PRESENT_TIME_OFFSET=0 FORCE_HWC_FOR_RBG_TO_YUV=1]\n"
        'Display 4619827259835644672 (HWC display 0): port=0 pnpId=NLT displayName="AMB657"\n\n'
        "Visible layers (count = 41)\nDisplays (1 entries)\n   Composition Display State:\n"
        f"   layerStack=0, ({panel.width:4d}x{panel.height:4d}), orient= 0, powerMode=2, activeConfig=0\n"
        f"  refresh-rate              : {panel.rates[0]:.6f} fps\n  x-dpi                     : {panel.dpi:.6f}\n"
    )


def _wm(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    panel = state.part(Section)
    if list(arguments) == ["size"]:
        over = f"Override size: {panel.override}\n" if panel.override else ""
        return Reply(f"Physical size: {panel.width}x{panel.height}\n{over}".encode())
    if list(arguments) == ["density"]:
        return Reply(f"Physical density: {panel.density}\n".encode())
    return Reply(stderr="Window manager (window) commands:", code=255)


SERVICES = {"display": display, "SurfaceFlinger": surface_flinger}
COMMANDS = {"wm": _wm}
