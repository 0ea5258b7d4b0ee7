"""What `dumpsys display` and `dumpsys SurfaceFlinger` say of the panels, and what a panel's own sysfs files say.

Pure parsers. The lines are those of AOSP's DisplayDeviceInfo.toString (Android 4.2 to 16) and of SurfaceFlinger's dump
(positional until 10, named after it). Which facts a phone should have is judged elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from probes.api import Parsed, parser
from probes.captured import after, cut_line, decimal, integer, note, raw_lines, stripped_lines
from probes.cut import without_cut_word

__all__ = ["HDR_TYPES", "POWER_MODES", "display", "panel_files", "surfaceflinger", "window_size"]

#: android.view.Display.HdrCapabilities, HDR_TYPE_*.
HDR_TYPES = {1: "Dolby Vision", 2: "HDR10", 3: "HLG", 4: "HDR10+"}
#: hardware/interfaces/graphics/composer, PowerMode.
POWER_MODES = {0: "off", 1: "doze", 2: "on", 3: "doze_suspend"}

#: Panels that are told of: a phone has a few, with its virtual ones.
_MOST_PANELS = 32
_DEVICES = re.compile(r"Display Devices: size=([0-9]{1,4})", re.ASCII)
_DEVICE = re.compile(r'DisplayDeviceInfo\{"([^"]{0,200})"(.*)')
#: What ends a value of a panel's line; where it is missing the line was cut inside the value.
_END = r"(?=[,}\]\s])"
_SIZE = re.compile(rf"(?<![\w.])([0-9]{{1,5}}) x ([0-9]{{1,5}}){_END}", re.ASCII)
_DPI = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,9})?) x [0-9]{1,5}(?:\.[0-9]{1,9})? dpi", re.ASCII)
_MODE = re.compile(
    r"\{id=([0-9]{1,4}), width=([0-9]{1,5}), height=([0-9]{1,5}), fps=([0-9]{1,4}(?:\.[0-9]{1,9})?)"
    r"(?:, vsync=[0-9.]{1,16})?(?:, [^\[{}]{0,80}\[[^\]]{0,200}\])?(?:, supportedHdrTypes=\[([0-9, ]{0,40})\])?",
    re.ASCII,
)
_GLOBAL_STATE = re.compile(r"mGlobalDisplayState=(\w{1,40})", re.ASCII)
_SCREEN_BRIGHTNESS = re.compile(r"mScreenBrightness=\s{0,8}([^\s,;(]{1,40})")
_FPS = re.compile(rf"\bfps=([0-9]{{1,4}}(?:\.[0-9]{{1,9}})?){_END}", re.ASCII)
#: Before Android 6 the rate stands bare behind the size: `1080 x 1920, 60.0 fps`.
_BARE_FPS = re.compile(r"\b([0-9]{1,4}(?:\.[0-9]{1,9})?) fps\b", re.ASCII)
_HDR = re.compile(r"(?:mSupportedHdrTypes|supportedHdrTypes)=\[([0-9, ]{0,40})\]", re.ASCII)
_PRODUCT = re.compile(
    r"DeviceProductInfo\{name=([^,{}]{0,60}), manufacturerPnpId=(\w{0,8}), productId=(\w{0,16})", re.ASCII
)
_MODEL = re.compile(r"address \{[^}]{0,60}model=(0x[0-9a-fA-F]{1,16})", re.ASCII)
_WORDS = {name: re.compile(rf"(?<=, ){name} (\w{{1,40}}){_END}", re.ASCII) for name in ("touch", "state", "type")}
_DENSITY = re.compile(rf"\bdensity ([0-9]{{1,5}}){_END}", re.ASCII)
_BRIGHTNESS = re.compile(r"\bbrightness(Minimum|Maximum|Default) (-?[0-9.]{1,20}(?:E-?[0-9]{1,3})?)", re.ASCII)
_CORNER = re.compile(r"RoundedCorner\{position=\w{1,20}, radius=([0-9]{1,5})", re.ASCII)
_CUTOUTS = re.compile(r"boundingRect=\{Bounds=\[([^\]]{0,400})\]")
_RECT = re.compile(r"Rect\(([0-9]{1,5}), ([0-9]{1,5}) - ([0-9]{1,5}), ([0-9]{1,5})\)", re.ASCII)
_MODE_ID = re.compile(r"\bmodeId ([0-9]{1,4})\b", re.ASCII)


def _number(text: str) -> int | Decimal | None:
    """A printed number: whole where it was printed whole."""
    whole = integer(text) if text.isdigit() else None
    return whole if whole is not None else decimal(text)


def _hdr(printed: Iterable[str]) -> list[str] | None:
    """HDR types by name, None where none is printed at all."""
    lists = list(printed)
    if not lists:
        return None
    numbers = {int(word) for one in lists for word in re.findall(r"[0-9]{1,4}", one)}
    return [HDR_TYPES.get(number, f"type {number}") for number in sorted(numbers)]


def _panel(name: str, rest: str) -> dict[str, Any]:
    """One `DisplayDeviceInfo{...}`; a part that is not there is left out."""
    panel: dict[str, Any] = {"name": name}
    if size := _SIZE.search(rest):
        panel["width"], panel["height"] = int(size[1]), int(size[2])
    if fps := _FPS.search(rest):
        panel["fps"] = decimal(fps[1])
    elif fps := _BARE_FPS.search(rest):
        panel["bare_fps"] = decimal(fps[1])
    if density := _DENSITY.search(rest):
        panel["density"] = int(density[1])
    if dpi := _DPI.search(rest):
        panel["xdpi"] = decimal(dpi[1])
    for word, pattern in _WORDS.items():
        if found := pattern.search(rest):
            panel[word] = found[1]
    modes = [
        {"id": int(mode[1]), "width": int(mode[2]), "height": int(mode[3]), "fps": decimal(mode[4])}
        for mode in _MODE.finditer(rest)
    ]
    if modes:
        panel["modes"] = modes
    if mode_id := _MODE_ID.search(rest):
        panel["mode"] = int(mode_id[1])
    hdr = _hdr(found[1] for found in _HDR.finditer(rest))
    if hdr is not None:
        panel["hdr"] = hdr
    if product := _PRODUCT.search(rest):
        panel["product"] = " ".join(word for word in product.groups() if word and word != "null")
    if corners := _CORNER.findall(rest):
        panel["corner_radius"] = max(int(radius) for radius in corners)
    if cutouts := _CUTOUTS.search(rest):
        rects = [[int(word) for word in rect] for rect in _RECT.findall(cutouts[1])]
        panel["cutouts"] = [rect for rect in rects if rect[0] < rect[2] and rect[1] < rect[3]]
    if model := _MODEL.search(rest):
        panel["model"] = model[1]
    for which, text in _BRIGHTNESS.findall(rest):
        if (value := decimal(text)) is not None:
            panel[f"brightness_{which.lower()}"] = value
    return panel


@parser("display")
def display(data: bytes) -> Parsed:
    """`dumpsys display`: the first panel's facts, and all panels (`panels`) for phones with several."""
    parsed = Parsed()
    facts = parsed.facts
    panels: list[dict[str, Any]] = []
    cut = cut_line(data)
    for line in stripped_lines(data):
        if "display_devices" not in facts and (devices := _DEVICES.match(line)):
            facts["display_devices"] = int(devices[1])
        elif found := _DEVICE.search(line):
            panel = _panel(found[1], found[2] if line == cut else f"{found[2]} ")
            if panel not in panels and len(panels) < _MOST_PANELS:
                panels.append(panel)
        elif "global_state" not in facts and (state := _GLOBAL_STATE.match(line)):
            facts["global_state"] = state[1]
        elif "screen_brightness" not in facts and (printed := _SCREEN_BRIGHTNESS.match(line)):
            if (value := _number(printed[1])) is not None:
                facts["screen_brightness"] = value
            else:
                note(parsed, "screen_brightness", printed[1], "a number")
    if panels:
        facts["panels"] = panels
        for key in ("name", "width", "height", "fps", "density", "xdpi", "touch", "state", "type"):
            if panels[0].get(key) is not None:
                facts[key] = panels[0][key]
    return parsed


_DISPLAYS = re.compile(r"Displays \(([0-9]{1,4}) entries\)", re.ASCII)
_LAYERS = re.compile(r"Visible layers \(count = ([0-9]{1,6})\)", re.ASCII)
_POWER = re.compile(r"\bpowerMode=(\w{1,20})(?: \(([0-9]{1,3})\))?", re.ASCII)
_SIZES = (
    re.compile(r"activeMode=\{[^}]{0,200}?width=([0-9]{1,5}), height=([0-9]{1,5})", re.ASCII),
    re.compile(r"layerStack=\s{0,8}[0-9]{1,10}, \(\s{0,8}([0-9]{1,5})x\s{0,8}([0-9]{1,5})\)", re.ASCII),
    re.compile(r"(?<!\w)frame=\[0 0 ([0-9]{1,5}) ([0-9]{1,5})\]", re.ASCII),
    re.compile(r"(?<!\w)resolution=([0-9]{1,5})x([0-9]{1,5})", re.ASCII),
)
_RATE = re.compile(r"(refresh-rate|x-dpi)\s{0,40}: ?([0-9]{1,6}(?:\.[0-9]{1,9})?)", re.ASCII)
_HWC = re.compile(r'Display ([0-9]{1,20}) \(HWC display [0-9]{1,4}\):.{0,80}pnpId=(\w{0,8}) displayName="([^"]{0,60})"')


def _power_mode(word: str, code: str | None) -> str | None:
    number = integer(code or word)
    if number is not None:
        return POWER_MODES.get(number, str(number))
    bare = word.lower().replace("_", "")
    return next((mode for mode in POWER_MODES.values() if mode.replace("_", "") == bare), None)


@parser("surfaceflinger")
def surfaceflinger(data: bytes) -> Parsed:
    """`dumpsys SurfaceFlinger`: how many displays, the first one's size, rate, density and power mode."""
    parsed = Parsed()
    facts = parsed.facts
    sizes: list[str | None] = [None] * len(_SIZES)
    for line in without_cut_word(stripped_lines(data), data):
        if "displays" not in facts and (found := _DISPLAYS.search(line)):
            facts["displays"] = int(found[1])
        if "visible_layers" not in facts and (found := _LAYERS.search(line)):
            facts["visible_layers"] = int(found[1])
        if "power_mode" not in facts and (found := _POWER.search(line)) and (mode := _power_mode(found[1], found[2])):
            facts["power_mode"] = mode
        for at, pattern in enumerate(_SIZES):
            if sizes[at] is None and (found := pattern.search(line)):
                sizes[at] = f"{int(found[1])}x{int(found[2])}"
        if (found := _RATE.match(line)) and (value := decimal(found[2])) is not None:
            facts.setdefault({"refresh-rate": "refresh_rate", "x-dpi": "xdpi"}[found[1]], value)
        if "display_name" not in facts and (found := _HWC.match(line)):
            facts["display_name"] = f"{found[2]} {found[3]}".strip()
    size = next((one for one in sizes if one), None)
    if size:
        facts["width_height"] = size
    return parsed


_WM_SIZE = re.compile(r"(Physical|Override) size: ([0-9]{1,5})x([0-9]{1,5})", re.ASCII)
_WM_DENSITY = re.compile(r"(Physical|Override) density: ([0-9]{1,5})", re.ASCII)


@parser("window_size")
def window_size(data: bytes) -> Parsed:
    """`wm size; wm density`: what the panel has, and what a person has set instead (`override_*`)."""
    parsed = Parsed()
    for line in stripped_lines(data):
        if found := _WM_SIZE.match(line):
            parsed.facts[f"{found[1].lower()}_size"] = f"{int(found[2])}x{int(found[3])}"
        elif found := _WM_DENSITY.match(line):
            parsed.facts[f"{found[1].lower()}_density"] = int(found[2])
    return parsed


#: Names in panel files that say which panel it is: Qualcomm's msm_fb_panel_info, Samsung's lcd class.
_PANEL_KEYS = ("panel_name=", "panel_name:", "lcd_type=", "window_type=", "panel_info=", "cell_id=")
_PANEL_FILE = re.compile(r"== (/\S{1,200})", re.ASCII)


@parser("panel_files")
def panel_files(data: bytes) -> Parsed:
    """Panel files in sysfs, each behind a line `== PATH`: which panel the kernel drives, in the maker's own words."""
    parsed = Parsed()
    lines = [line for line in raw_lines(data) if line.strip()]
    path = ""
    for line in lines:
        text = line.strip()
        if found := _PANEL_FILE.match(text):
            path = found[1]
        elif "panel" not in parsed.facts and path:
            named = next((value for key in _PANEL_KEYS for value in after([text], key)), "")
            if named:
                parsed.facts["panel"] = named[:120]
            elif "=" not in text and "panel_info" not in path and not text.startswith("cat:"):
                parsed.facts["panel"] = text[:120]
    return parsed
