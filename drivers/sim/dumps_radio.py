"""What the phone prints about its radios: Wi-Fi, SIMs, IMEIs.

Functions of the phone's state.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from drivers.sim.persona import Sim, Wifi
from drivers.sim.state import PhoneState

__all__ = ["joined_network", "parcel", "subscriber_info", "telephony_registry", "wifi", "wifi_status"]

_NONE = 2_147_483_647
"""android.telephony.CellInfo.UNAVAILABLE."""
_TECHNOLOGY = {"Unknown": 0, "GSM": 16, "EDGE": 2, "UMTS": 3, "HSPA": 11, "LTE": 14, "NR": 20}


def joined_network(state: PhoneState) -> Wifi | None:
    """The network that the phone is on: one that it was told to join, else the persona's own; None without one."""
    link = state.persona.wifi
    if not state.wifi_enabled:
        return None
    if told := state.scratch.get("wifi-joined"):
        return link.model_copy(update=dict(zip(("ssid", "bssid", "rssi_dbm", "frequency_mhz"), told, strict=True)))
    return link if link.ssid else None


def wifi(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys wifi`, cut to its beginning and the current link."""
    if not state.persona.wifi.present:
        return ""
    on, link = state.wifi_enabled, joined_network(state)
    lines = [f"Wi-Fi is {'enabled' if on else 'disabled'}"]
    if state.persona.android.sdk >= 24:
        lines.append("Verbose logging is off")
    lines += [
        "Stay-awake conditions: 7",
        "mInIdleMode false",
        "mScanPending false",
        "mPersistWifiState 1",
        "mAirplaneModeOn false",
        f"curState={'L3ConnectedState' if link else 'DisconnectedState' if on else 'DefaultState'}",
        f"mWifiInfo {_wifi_info(state)}",
        f"mNetworkInfo [type: WIFI[], state: {'CONNECTED/CONNECTED' if link else 'DISCONNECTED/IDLE'}, "
        "reason: (unspecified), extra: (none), failover: false, available: true, roaming: false]",
        f"mLastBssid {link.bssid if link else 'null'}",
        f"mLastNetworkId {0 if link else -1}",
    ]
    return "\n".join(lines) + "\n"


def wifi_status(state: PhoneState) -> str:
    """`cmd wifi status` (Android 11 and later)."""
    if not state.wifi_enabled:
        return "Wifi is disabled\nWifi scanning is only available when wifi is enabled\n"
    lines = ["Wifi is enabled", "Wifi scanning is always available"]
    if link := joined_network(state):
        lines += [
            "==== Primary ClientModeManager instance ====",
            f'Wifi is connected to "{link.ssid}"',
            f"WifiInfo: {_wifi_info(state)}",
            "successfulTxPackets: 48211",
            "successfulTxPacketsPerSecond: 2.1",
            "retriedTxPackets: 0",
            "lostTxPackets: 0",
            "successfulRxPackets: 61004",
        ]
    else:
        lines.append("Wifi is not connected")
    return "\n".join(lines) + "\n"


def _wifi_info(state: PhoneState) -> str:
    link, sdk = joined_network(state), state.persona.android.sdk
    if link is None:
        return (
            f"SSID: <unknown ssid>, BSSID: {'<none>' if sdk >= 24 else 'null'}, MAC: 02:00:00:00:00:00, "
            "Supplicant state: "
            f"{'DISCONNECTED' if state.wifi_enabled else 'UNINITIALIZED'}, RSSI: -127, Link speed: -1Mbps, "
            "Frequency: -1MHz, Net ID: -1, Metered hint: false, score: 0"
        )
    wobble = random.Random(f"{state.seed}:rssi:{int(state.clock.now() / 3)}")  # noqa: S311 - same again
    speed = f"Link speed: {link.link_mbps}Mbps, "
    if sdk >= 29:
        speed += f"Tx Link speed: {link.link_mbps}Mbps, Max Supported Tx Link speed: 866Mbps, "
        speed += f"Rx Link speed: {link.link_mbps}Mbps, "
    quoted = f'"{link.ssid}"' if sdk >= 29 else link.ssid
    return (
        f"SSID: {quoted}, BSSID: {link.bssid}, MAC: {state.identity.mac}, Supplicant state: COMPLETED, "
        + ("Wi-Fi standard: 5, " if sdk >= 30 else "")
        + f"RSSI: {link.rssi_dbm + wobble.randint(-1, 1)}, {speed}"
        f"Frequency: {link.frequency_mhz}MHz, Net ID: 0, Metered hint: false, score: 60"
    )


def telephony_registry(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys telephony.registry`, cut to the last known state."""
    named = state.persona.android.sdk >= 26
    lines = ["last known state:"]
    for number, sim in enumerate(state.persona.sims):
        lines += [
            f"  Phone Id={number}",
            f"    mCallState={state.scratch.get('call', 0) if not number else 0}",
            "    mRingingCallState=0",
            f"    mServiceState={_service_state(sim) if named else _old_service_state(sim)}",
            f"    mSignalStrength={_signal(sim) if named else _old_signal(sim)}",
            "    mMessageWaiting=false",
            "    mCallForwarding=false",
            "    mDataActivity=0",
            f"    mDataConnectionState={2 if sim.state == 'LOADED' else -1}",
            "    mCellInfo=null",
        ]
    return "\n".join([*lines, "registrations: count=0", ""])


def _service_state(sim: Sim) -> str:
    inside = _registered(sim)
    register = "0(IN_SERVICE)" if inside else "1(OUT_OF_SERVICE)"
    name, technology = (
        (sim.operator, f"{_TECHNOLOGY.get(sim.network, 0)}({sim.network})") if inside else ("", "0(Unknown)")
    )
    state = "HOME" if inside else "NOT_REG_OR_SEARCHING"
    return (
        f"{{mVoiceRegState={register}, mDataRegState={register}, mChannelNumber={1300 if inside else -1}, "
        f"duplexMode()={1 if inside else 0}, mCellBandwidths=[{20000 if inside else ''}], "
        f"mOperatorAlphaLong={name}, mOperatorAlphaShort={name}, "
        f"mVoiceOperatorAlphaLong={name}, mVoiceOperatorAlphaShort={name}, "
        f"mDataOperatorAlphaLong={name}, mDataOperatorAlphaShort={name}, "
        "isManualNetworkSelection=false(automatic), "
        f"getRilVoiceRadioTechnology={technology}, getRilDataRadioTechnology={technology}, "
        f"mCssIndicator=unsupported, mIsEmergencyOnly={'false' if inside else 'true'}, "
        "mNetworkRegistrationInfos=[NetworkRegistrationInfo{ domain=CS transportType=WWAN "
        f"registrationState={state} roamingType=NOT_ROAMING }}], mIsIwlanPreferred=false}}"
    )


def _old_service_state(sim: Sim) -> str:
    if not _registered(sim):
        return "1 1 home home null null null null null null Unknown Unknown CSS not supported -1 -1 EmergOnly=false"
    names = f"{sim.operator} {sim.operator} {sim.numeric}"
    return f"0 0 home home {names} {names} {sim.network} {sim.network} CSS not supported -1 -1 EmergOnly=false"


def _signal(sim: Sim) -> str:
    rsrp = sim.rsrp_dbm if sim.rsrp_dbm is not None and _registered(sim) else _NONE
    measured = rsrp != _NONE
    return (
        f"SignalStrength:{{mCdma=CellSignalStrengthCdma: cdmaDbm={_NONE} cdmaEcio={_NONE} evdoDbm={_NONE} level=0,"
        f"mGsm=CellSignalStrengthGsm: rssi={_NONE} ber={_NONE} mTa={_NONE} mLevel=0,"
        f"mWcdma=CellSignalStrengthWcdma: ss={_NONE} ber={_NONE} rscp={_NONE} ecno={_NONE} level=0,"
        f"mTdscdma=CellSignalStrengthTdscdma: rssi={_NONE} ber={_NONE} rscp={_NONE} level=0,"
        f"mLte=CellSignalStrengthLte: rssi={-61 if measured else _NONE} rsrp={rsrp} "
        f"rsrq={-10 if measured else _NONE} rssnr={12 if measured else _NONE} cqiTableIndex={_NONE} cqi={_NONE} "
        f"ta={_NONE} level={_level(rsrp) if measured else 0} parametersUseForLevel=0,"
        f"mNr=CellSignalStrengthNr:{{ csiRsrp = {_NONE} csiRsrq = {_NONE} csiSinr = {_NONE} ssRsrp = {_NONE} "
        f"ssRsrq = {_NONE} ssSinr = {_NONE} level = 0 parametersUseForLevel = 0 }},"
        f"primary=CellSignalStrength{'Lte' if measured else 'Gsm'}}}"
    )


def _old_signal(sim: Sim) -> str:
    if sim.rsrp_dbm is None or not _registered(sim):
        return "SignalStrength: 99 -1 -1 -1 -1 -1 -1 99 2147483647 2147483647 2147483647 2147483647 2147483647 gsm|lte"
    return f"SignalStrength: 21 0 -1 -1 -1 -1 -1 31 {sim.rsrp_dbm} -9 120 2147483647 2147483647 gsm|lte"


def _level(rsrp: int) -> int:
    return sum(rsrp >= edge for edge in (-128, -118, -108, -98))


def _registered(sim: Sim) -> bool:
    return sim.state in ("LOADED", "READY") and bool(sim.operator)


def subscriber_info(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys iphonesubinfo` (up to Android 5)."""
    imei = state.identity.imeis[0] if state.identity.imeis else "null"
    return f"Phone Subscriber Info:\n  Phone Type = GSM\n  Device ID = {imei}\n"


def parcel(text: str) -> str:
    """A Binder answer that holds one text, as `service call` prints it."""
    raw = bytes(4) + len(text).to_bytes(4, "little") + text.encode("utf-16-le") + bytes(2)
    raw += bytes(-len(raw) % 4)
    lines = []
    for start in range(0, len(raw), 16):
        row = raw[start : start + 16]
        words = " ".join(f"{int.from_bytes(row[at : at + 4], 'little'):08x}" for at in range(0, len(row), 4))
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"  0x{start:08x}: {words:<35} '{shown:<16}'")
    return "Result: Parcel(\n" + "\n".join(lines) + ")\n"
