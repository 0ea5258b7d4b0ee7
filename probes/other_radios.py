"""The radios that few phones have: ultra-wideband, infrared sender, FM receiver, Thread, satellite.

What the phone says that it is built with, and whether the service of each is there and ready. Information only: no
standard says how they must answer a cable.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, hear, hear_second, reading
from probes.api import Bench, Measurement, NotApplicable, Parsed, Reading, Unread, parser, probe
from probes.captured import raw_lines
from probes.telephony import READ_FEATURES, pm_features
from probes.units import FLAG, TEXT

__all__ = ["other_radios", "radio_services", "uwb"]

_STATE = re.compile(r"[Dd]evice state = (?:DEVICE_STATE_)?([A-Z][A-Z_]{1,30})\b", re.ASCII)
_SERVICE = re.compile(r"Service (consumer_ir|uwb|broadcastradio): (found|not found)", re.ASCII)
#: Packages of FM receivers: AOSP, Qualcomm, MediaTek, Samsung, Xiaomi, OPPO, vivo.
_FM = re.compile(r"package:(?:com\.(?:caf\.fmradio|android\.fmradio|sec\.android\.app\.fm|miui\.fm|vivo\.FMRadio"
                 r"|coloros\.fmradio|oplus\.fmradio))", re.ASCII)  # fmt: skip


@parser("uwb")
def uwb(data: bytes) -> Parsed:
    """`dumpsys uwb` (Android 12): the state of its chip, `READY`, `OFF`, `ERROR` and the like (FiRa UCI 2.0)."""
    parsed = Parsed()
    for line in raw_lines(data):
        if found := _STATE.search(line[:400]):
            parsed.facts["state"] = found[1]
            break
    return parsed


@parser("radio_services")
def radio_services(data: bytes) -> Parsed:
    """`service check` of the rare radios, and packages of FM receivers."""
    parsed = Parsed()
    for line in raw_lines(data):
        if found := _SERVICE.fullmatch(line.strip()):
            parsed.facts.setdefault(f"{found[1]}_service", found[2] == "found")
        elif _FM.fullmatch(line.strip()):
            parsed.facts.setdefault("fm_package", line.strip().removeprefix("package:"))
    return parsed


_SERVICES = Command(
    "radio-services",
    "service check consumer_ir; service check uwb; service check broadcastradio; "
    "pm list packages | grep -iE '[.]fm(radio)?$'",
    timeout_s=15.0,
    limit=64 * 1024,
)
_UWB = Command("uwb", "dumpsys uwb", timeout_s=10.0, limit=512 * 1024)

_NONE = Words("the phone says that it is built without any of them", "手机声明其出厂不带这些无线功能")


def _built_in(name: str, features: Heard, fact: str) -> Reading:
    return reading(name, features, fact, words=fact.removeprefix("has_"))


@probe(
    "android.other-radios",
    needs=Shell,
    reads=(READ_FEATURES, _SERVICES, _UWB),
    measures={
        "uwb": FLAG,
        "uwb_chip": TEXT,
        "infrared": FLAG,
        "infrared_service": FLAG,
        "fm": FLAG,
        "thread": FLAG,
        "satellite": FLAG,
    },
    names={
        "uwb": Words("ultra-wideband", "超宽带"),
        "uwb_chip": Words("ultra-wideband chip", "超宽带芯片"),
        "infrared": Words("infrared sender", "红外发射"),
        "infrared_service": Words("infrared service", "红外服务"),
        "fm": Words("FM receiver", "调频收音机"),
        "thread": Words("Thread", "Thread"),
        "satellite": Words("satellite", "卫星通信"),
    },
    unverified=True,
)
async def other_radios(bench: Bench) -> AsyncIterator[Reading]:
    """Which of the rare radios the phone is built with, and whether their services answer."""
    features = hear(bench, READ_FEATURES, pm_features)
    services = hear_second(bench, _SERVICES, radio_services, "service check")
    chip = hear_second(bench, _UWB, uwb)
    fm = bool(
        features.get("has_broadcast_radio") or services.get("broadcastradio_service") or services.get("fm_package")
    )
    built_in = [name for name in ("uwb", "infrared", "thread", "satellite") if features.get(f"has_{name}")]
    if features.facts and services.facts and not built_in and not fm:
        raise NotApplicable(_NONE)
    yield _built_in("uwb", features, "has_uwb")
    if features.get("has_uwb"):
        yield reading("uwb_chip", chip, "state", words="Device state")
    yield _built_in("infrared", features, "has_infrared")
    if features.get("has_infrared"):
        yield reading("infrared_service", services, "consumer_ir_service", words="consumer_ir")
    if services.facts or fm:
        yield Measurement("fm", fm, "pm list features, pm list packages, service check broadcastradio")
    else:
        yield Unread("fm", services.reason("fm"), services.source)
    yield _built_in("thread", features, "has_thread")
    yield _built_in("satellite", features, "has_satellite")
