"""The Wi-Fi air around a simulated phone: what a scan hears, which networks are saved, and joining one."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.sim.channel import Reply
from drivers.sim.dumps_radio import wifi_status
from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["CMD", "SECTION", "SERVICES", "AccessPoint", "Section"]

SECTION = "air"
_SAVED = "wifi-saved"
_HEAD = "    BSSID              Frequency      RSSI           Age(sec)     SSID                                 Flags"


class AccessPoint(Data):
    """One row of a scan; `chains` are the levels of the antennas, where the chip tells them."""

    bssid: str
    frequency_mhz: int
    rssi_dbm: int
    ssid: str = ""
    chains: tuple[int, ...] = ()
    age_s: float = 2.5
    passphrase: str = ""


class Section(Data):
    """What is on the air.

    Attributes:
        access_points: as a scan hears them; empty: the one that the phone is joined to, at 2.4 and 5 GHz.
        saved: networks that the owner has saved.
        joins: whether the phone gets as far as the network.
    """

    access_points: tuple[AccessPoint, ...] = ()
    saved: tuple[str, ...] = ("Somebody's home",)
    joins: bool = True


def _heard(state: PhoneState) -> tuple[AccessPoint, ...]:
    section, link = state.part(Section), state.persona.wifi
    if section.access_points or not link.ssid:
        return section.access_points
    level = link.rssi_dbm
    return (
        AccessPoint(
            bssid=link.bssid,
            frequency_mhz=link.frequency_mhz,
            rssi_dbm=level,
            ssid=link.ssid,
            chains=(level - 1, level - 4),
        ),
        AccessPoint(bssid="02:00:5e:10:20:2f", frequency_mhz=2437, rssi_dbm=level + 5, ssid=link.ssid),
        AccessPoint(bssid="02:00:5e:00:00:61", frequency_mhz=2462, rssi_dbm=-83, ssid="Next door"),
    )


def _row(one: AccessPoint) -> str:
    chains = "/".join(f"{number}:{level}" for number, level in enumerate(one.chains))
    level = f"{one.rssi_dbm}({chains})" if chains else str(one.rssi_dbm)
    heard = f"  {one.bssid}       {one.frequency_mhz}    {level:<16}  {one.age_s:.3f}"
    return f"{heard}    {one.ssid:<32}  [WPA2-PSK-CCMP][ESS]"


def _table(state: PhoneState) -> str:
    rows = [_row(one) for one in _heard(state)] if state.wifi_enabled else []
    return "\n".join([_HEAD, *rows, ""]) if rows else "No scan results\n"


def saved_networks(state: PhoneState) -> list[str]:
    """The names of the networks that the phone has saved; an empty one was forgotten."""
    found: list[str] = state.scratch.setdefault(_SAVED, list(state.part(Section).saved))
    return found


def _connect(state: PhoneState, words: Sequence[str]) -> Reply:
    name = words[0] if words else ""
    if name not in saved_networks(state):
        saved_networks(state).append(name)
    known = next((one for one in _heard(state) if one.ssid == name), None)
    right = known is not None and known.passphrase in ("", *words[2:3])
    if known is not None and right and state.part(Section).joins:
        state.scratch["wifi-joined"] = (known.ssid, known.bssid, known.rssi_dbm, known.frequency_mhz)
    return Reply(b"Connection initiated \n")


def _forget(state: PhoneState, words: Sequence[str]) -> Reply:
    networks, number = saved_networks(state), int(words[0]) if words and words[0].isdigit() else -1
    if number not in range(len(networks)):
        return Reply(b"Forget failed\n")
    gone = networks[number]
    networks[number] = ""
    if state.scratch.get("wifi-joined", ("",))[0] == gone:
        del state.scratch["wifi-joined"]
    return Reply(b"Forget successful\n")


def _securities(sdk: int) -> tuple[str, ...]:
    """How this Android lists a network's security: a row for each kind, or all in one (AOSP WifiShellCommand)."""
    if sdk < 31:
        return ("wpa2",)
    return ("wpa2-psk/wpa3-sae^",) if sdk >= 34 else ("wpa2-psk", "wpa3-sae^")


def _networks(state: PhoneState) -> Reply:
    saved = [(number, name) for number, name in enumerate(saved_networks(state)) if name]
    kinds = _securities(state.persona.android.sdk)
    rows = [f"{number:<12} {name:<32} {kind:<4}" for number, name in saved for kind in kinds]
    return Reply("\n".join(["Network Id      SSID                         Security type", *rows, ""]).encode())


def _cmd(state: PhoneState, words: Sequence[str], uid: int) -> Reply:
    verb, *rest = words or ("",)
    if not state.persona.wifi.present or state.persona.android.sdk < 30:
        return Reply(stderr="cmd: Can't find service: wifi", code=20)
    if verb == "status":
        return Reply(wifi_status(state).encode())
    if verb == "set-wifi-enabled" and len(rest) == 1:
        state.wifi_enabled = rest[0] == "enabled"
        return Reply()
    if verb == "start-scan":
        return Reply()
    if verb == "list-scan-results":
        return Reply(_table(state).encode())
    if verb == "list-networks":
        return _networks(state)
    if verb == "connect-network":
        return _connect(state, rest)
    if verb == "forget-network":
        return _forget(state, rest)
    return Reply(b"Wi-Fi (wifi) commands:\n  help or -h\n  status\n  start-scan\n  list-scan-results\n", code=255)


def _scanner(state: PhoneState, arguments: Sequence[str]) -> str | None:
    """`dumpsys wifiscanner` (Android 8 to 10 have no command that lists them)."""
    if state.persona.android.sdk < 26 or not state.persona.wifi.present:
        return None
    return f"Latest scan results:\n{_table(state)}"


SERVICES = {"wifiscanner": _scanner}
CMD = {"wifi": _cmd}
