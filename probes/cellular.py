"""Whether the modem is alive, on the network, and how strong it hears it, for each radio technology.

The modem's own version and the IMEI tell a dead modem from a phone without service; aeroplane mode and an empty tray
are told as the reason they are. Stands on the parsers of properties, of the telephony registry and of IMEIs.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal

from drivers.adb_identity import DEVICE_ID, binder_text
from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.air import AIRPLANE_ON, READ_AIRPLANE, airplane_mode
from probes.answers import NOT_SAID, Heard, as_value, hear, hear_second, unread, why_nothing
from probes.api import Bench, Measurement, NotApplicable, Reading, Unread, probe
from probes.crashes import UPTIME, proc_uptime
from probes.sim import NO_TELEPHONY, NONE_READY, READ_REGISTRY, READY, REGISTRATION_WORDS, sim_states
from probes.telephony import READ_FEATURES, pm_features, telephony_registry
from probes.units import FLAG, TEXT

__all__ = ["TECHNOLOGIES", "cellular", "imei_present"]

_IMEI = Command("device-id", DEVICE_ID, timeout_s=5.0, limit=16 * 1024)
#: What a modem that lost its identity answers (its calibration data is gone). Nothing at all is also what a system
#: answers that keeps the IMEI from the cable, and a modem that is still starting.
_EMPTY_IDS = re.compile(r"0{1,16}|null|unknown", re.ASCII | re.IGNORECASE)
#: dBm that such a level can have (3GPP TS 36.133, 9.1.4 and 38.133, 10.1.6: RSRP; 25.133, 9.1.1: RSCP; 45.008, 8.1.4:
#: RXLEV). What else a phone prints is no level.
_LEVELS = {
    "rsrp_nr": range(-156, -30),
    "rsrp_lte": range(-156, -30),
    "rscp_3g": range(-120, -23),
    "rssi_2g": range(-113, -46),
}

#: Measurement -> fact of a phone, and the name of the technology that the measurement belongs to.
TECHNOLOGIES = {
    "rsrp_nr": ("nr_rsrp_dBm", "5G"),
    "rsrp_lte": ("lte_rsrp_dBm", "4G"),
    "rscp_3g": ("wcdma_rscp_dBm", "3G"),
    "rssi_2g": ("gsm_rssi_dBm", "2G"),
}
_IN_SERVICE = 0
#: Seconds after the start in which a modem may still be loading its firmware and looking for a network.
_STARTED_S = 90
_STARTING = Words(
    "the phone started {seconds} s ago and its modem may still be coming up; run this again in two minutes",
    "手机 {seconds} 秒前刚启动，基带可能尚未就绪；请两分钟后重测",
)
_SLOTS = 8

_NOT_ON = Words("the phone does not measure {name} here now", "手机当前未测量 {name} 信号")
_NO_SERVICE = Words("the phone is on no network", "手机未注册网络")
_ID_REFUSED = Words(
    "this phone does not tell its IMEI over the cable; dial *#06#", "此手机不通过数据线提供 IMEI；请拨 *#06#"
)


def imei_present(answer: bytes, alive: bool = True) -> bool | None:
    """Whether the phone has a device id, from the answer of `service call iphonesubinfo 1`; None when it won't say.

    Args:
        alive: whether the modem tells its firmware: if not, no id at all is one more sign that it does not run.
    """
    parcel = binder_text(answer.decode("utf-8", "replace"))
    if parcel is None or parcel.problem:
        return None
    text = parcel.text.strip()
    if not text:
        return None if alive else False
    return not _EMPTY_IDS.fullmatch(text)


def _just_started(bench: Bench) -> Words | None:
    """What is to be said of a modem that is silent, where the phone started a moment ago."""
    up = hear_second(bench, UPTIME, proc_uptime).get("uptime_s")
    return _STARTING.fill(seconds=str(int(up))) if up is not None and up < _STARTED_S else None


def _modem(bench: Bench, props: Heard, silent: Words | None) -> Iterator[Reading]:
    """The modem's version and identity; `silent`: why it may be silent without a fault."""
    baseband = str(props.get("baseband") or "")
    known = baseband.strip().lower() not in ("", "unknown", "null")
    source = "getprop gsm.version.baseband"
    if known:
        yield Measurement("baseband", as_value(baseband), source)
    else:
        yield Unread("baseband", NOT_SAID, source)
    if not known and (silent or not props.facts):
        yield Unread("baseband_present", silent or props.reason("baseband"), source)
    else:
        yield Measurement("baseband_present", known, source)
    answer = bench.answer(_IMEI.name)
    present = None if answer.failure is not None else imei_present(answer.stdout, known)
    if present is None:
        why = _ID_REFUSED if b"Parcel(" in answer.stdout or answer.failure is not None else why_nothing(answer)
        yield Unread("imei_present", why, _IMEI.script)
    elif not present and silent:
        yield Unread("imei_present", silent, _IMEI.script)
    else:
        yield Measurement("imei_present", present, _IMEI.script)


def _in_use(states: Sequence[str]) -> list[int]:
    """The slots to look at: those whose SIM is ready."""
    return [slot for slot in range(min(len(states), _SLOTS)) if states[slot] in READY]


def _registered(slots: Sequence[int], registry: Heard, silent: Words | None) -> Iterator[Reading]:
    codes = {slot: registry.get(f"phone{slot}_voice_reg") for slot in slots}
    data = {slot: registry.get(f"phone{slot}_data_reg") for slot in slots}
    known = [code for code in (*codes.values(), *data.values()) if code is not None]
    source = f"{registry.source}: mServiceState"
    if not known:
        yield from unread(("registered", "service"), registry.reason("phone0_voice_reg"), source)
        return
    if silent and _IN_SERVICE not in known:
        yield Unread("registered", silent, source)
    else:
        yield Measurement("registered", _IN_SERVICE in known, source)
    words = (REGISTRATION_WORDS.get(code, f"code {code}") for code in codes.values() if code is not None)
    yield Measurement("service", ", ".join(words) or REGISTRATION_WORDS.get(known[0], f"code {known[0]}"), source)


def _signals(slots: Sequence[int], registry: Heard) -> Iterator[Reading]:
    """The strongest signal of each technology, over the slots that are on a network."""
    on = [
        slot
        for slot in slots
        if _IN_SERVICE in (registry.get(f"phone{slot}_voice_reg"), registry.get(f"phone{slot}_data_reg"))
    ]
    for name, (fact, shown) in TECHNOLOGIES.items():
        told = (registry.get(f"phone{slot}_{fact}") for slot in on)
        levels = [level for level in told if level is not None and level in _LEVELS[name]]
        source = f"{registry.source}: mSignalStrength"
        if levels:
            yield Measurement(name, Decimal(max(levels)), source)
        else:
            yield Unread(name, _NOT_ON.fill(name=shown) if on else _NO_SERVICE, source)
    technologies = [
        str(technology)
        for slot in on
        if (technology := registry.get(f"phone{slot}_data_technology") or registry.get(f"phone{slot}_voice_technology"))
    ]
    source = f"{registry.source}: radio technology"
    if technologies:
        yield Measurement("radio_technology", as_value(", ".join(technologies)), source)
    else:
        yield Unread("radio_technology", NOT_SAID if on else _NO_SERVICE, source)


@probe(
    "android.cellular",
    needs=Shell,
    reads=(getprop.READ, READ_REGISTRY, READ_FEATURES, READ_AIRPLANE, _IMEI, UPTIME),
    measures={
        "baseband": TEXT,
        "baseband_present": FLAG,
        "imei_present": FLAG,
        "registered": FLAG,
        "service": TEXT,
        "radio_technology": TEXT,
        **dict.fromkeys(TECHNOLOGIES, "dB[m]"),
    },
    names={
        "baseband_present": Words("modem firmware answers", "基带固件正常"),
        "imei_present": Words("has an IMEI", "有 IMEI"),
        "registered": Words("on the network", "已注册网络"),
        "service": Words("service", "服务状态"),
        "radio_technology": Words("radio technology", "网络制式"),
        "rsrp_nr": Words("signal, 5G RSRP", "5G 信号 RSRP"),
        "rsrp_lte": Words("signal, 4G RSRP", "4G 信号 RSRP"),
        "rscp_3g": Words("signal, 3G RSCP", "3G 信号 RSCP"),
        "rssi_2g": Words("signal, 2G RSSI", "2G 信号 RSSI"),
    },
)
async def cellular(bench: Bench) -> AsyncIterator[Reading]:
    """Whether the modem is alive and on the network, and its signal for each radio technology."""
    props = hear(bench, getprop.READ, getprop.getprop)
    registry = hear_second(bench, READ_REGISTRY, telephony_registry)
    if hear_second(bench, READ_FEATURES, pm_features).get("has_telephony") is False:
        raise NotApplicable(NO_TELEPHONY)
    airplane = airplane_mode(bench)
    silent = AIRPLANE_ON if airplane else _just_started(bench)
    for one in _modem(bench, props, silent):
        yield one
    slots = _in_use(sim_states(props))
    if airplane or not slots:
        why = AIRPLANE_ON if airplane else NONE_READY if props.facts else props.reason("sim_state")
        for one in unread(("registered", "service", "radio_technology", *TECHNOLOGIES), why, registry.source):
            yield one
        return
    for one in (*_registered(slots, registry, silent), *_signals(slots, registry)):
        yield one
