"""What the phone's panel is, as the system sees it: pixels, refresh rates, HDR, density, brightness range, panel.

Read only. Whether it is the panel of the model is judged against the model card, whether somebody has set another size
against what the panel has.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from decimal import Decimal
from typing import Any

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import as_value, hear, hear_second
from probes.api import Bench, Measurement, Reading, Unread, probe
from probes.display_dump import display, panel_files, surfaceflinger, window_size
from probes.units import FLAG, LIST, TEXT

__all__ = ["display_facts"]

_DISPLAY = Command("display", "dumpsys display", timeout_s=10.0, limit=1024 * 1024)
_WM = Command("wm", "wm size; wm density", timeout_s=5.0, limit=4096)
_FLINGER = Command("surfaceflinger", "dumpsys SurfaceFlinger", timeout_s=10.0, limit=1024 * 1024)
#: Qualcomm's and Samsung's panel files; most phones keep them closed, then nothing is said of the panel.
_PANEL = Command(
    "panel",
    "for f in /sys/class/graphics/fb0/msm_fb_panel_info /sys/class/lcd/panel/lcd_type /sys/class/lcd/panel/window_type;"
    ' do [ -r $f ] && echo "== $f" && cat $f; done 2>/dev/null; :',
    timeout_s=5.0,
    limit=16 * 1024,
)

#: android.view.Display, TYPE_*, before and after the names changed: what somebody plugged in, cast or recorded to.
_NOT_BUILT_IN = frozenset(("EXTERNAL", "HDMI", "WIFI", "OVERLAY", "VIRTUAL"))


@probe(
    "android.display-facts",
    needs=Shell,
    reads=(_DISPLAY, _WM, _FLINGER, _PANEL),
    measures={
        "display_resolution": TEXT,
        "display_fastest": "Hz",
        "display_rates": LIST,
        "display_hdr": LIST,
        "display_density": "1",
        "display_dpi": "1",
        "display_panels": "1",
        "display_panel": TEXT,
        "display_brightness_range": TEXT,
        "display_as_made": FLAG,
    },
    names={
        "display_resolution": Words("resolution", "分辨率"),
        "display_fastest": Words("fastest rate", "最高刷新率"),
        "display_rates": Words("refresh rates", "刷新率"),
        "display_hdr": Words("HDR", "高动态范围"),
        "display_density": Words("density", "密度"),
        "display_dpi": Words("pixels per inch", "每英寸像素"),
        "display_panels": Words("screens", "屏幕数"),
        "display_panel": Words("panel", "面板"),
        "display_brightness_range": Words("brightness range", "亮度范围"),
        "display_as_made": Words("size as made", "分辨率未被修改"),
    },
)
async def display_facts(bench: Bench) -> AsyncIterator[Reading]:
    """Pixels, refresh rates, HDR, density, panel, and whether somebody has set another size."""
    said = hear(bench, _DISPLAY, display)
    flinger = hear_second(bench, _FLINGER, surfaceflinger)
    listed: list[Mapping[str, Any]] = said.get("panels") or []
    panels = [one for one in listed if one.get("type") not in _NOT_BUILT_IN]
    first = panels[0] if panels else {}
    if first.get("width") and first.get("height"):
        yield Measurement("display_resolution", f"{first['width']}x{first['height']}", said.source)
    elif flinger.get("width_height"):
        yield Measurement("display_resolution", flinger.get("width_height"), flinger.source)
    else:
        yield Unread("display_resolution", said.reason("width"), said.source)
    for reading in _rates(first, said.source):
        yield reading
    for name, key in (("display_density", "density"), ("display_dpi", "xdpi")):
        if first.get(key) is not None:
            yield Measurement(name, Decimal(first[key]), said.source)
    if panels:
        yield Measurement("display_panels", Decimal(len(panels)), said.source)
    if first.get("hdr") is not None:
        yield Measurement("display_hdr", as_value(first["hdr"]), said.source)
    low, high = first.get("brightness_minimum"), first.get("brightness_maximum")
    if low is not None and high is not None:
        yield Measurement("display_brightness_range", f"{low} to {high}", said.source)
    panel = hear_second(bench, _PANEL, panel_files)
    for source, found in (
        (panel.source, panel.get("panel")),
        (flinger.source, flinger.get("display_name")),
        (said.source, first.get("product") or first.get("model")),
    ):
        if found:
            yield Measurement("display_panel", as_value(found), source[:200])
            break
    window = hear_second(bench, _WM, window_size)
    if window.get("physical_size") is None:
        yield Unread("display_as_made", window.reason("physical_size"), window.source)
    else:
        set_by_hand = any(
            window.get(f"override_{what}") not in (None, window.get(f"physical_{what}")) for what in ("size", "density")
        )
        yield Measurement("display_as_made", not set_by_hand, window.source)


def _rates(first: Mapping[str, Any], source: str) -> Iterable[Reading]:
    rates = sorted({mode["fps"] for mode in first.get("modes", []) if mode["fps"] is not None})
    alone = first.get("fps", first.get("bare_fps"))
    if not rates and alone is not None:
        rates = [alone]
    if rates:
        rounded = [rate.quantize(Decimal("0.1")) for rate in rates]
        yield Measurement("display_fastest", rounded[-1], source)
        yield Measurement("display_rates", tuple(f"{rate} Hz" for rate in dict.fromkeys(rounded)), source)
