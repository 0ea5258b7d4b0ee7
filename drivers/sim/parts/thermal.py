"""What the simulated phone says about its heat: the thermal service, the hardware properties and the kernel's zones.

The battery's sensors follow the battery model; the others stand at what the persona says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from drivers.sim.persona import Data
from drivers.sim.state import PhoneState

__all__ = ["FILES", "SECTION", "SERVICES", "Section"]

SECTION = "thermal"

_ZONES = 6
_FOLDER = "/sys/class/thermal"


class Section(Data):
    """The persona's heat.

    Attributes:
        status: throttling status, 0 none to 6 shutdown.
        cpu_c, gpu_c, skin_c: temperatures; the battery's is the battery's own.
        zones: whether the shell may read the kernel's zones.
        silent: names of zones that give no number.
        broken: names of zones whose sensor is torn off.
    """

    status: int = 0
    cpu_c: float = 37.4
    gpu_c: float = 35.9
    skin_c: float = 31.2
    zones: bool = False
    silent: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


def _sensors(state: PhoneState) -> list[tuple[str, int, float, int]]:
    """Name, type, temperature and status of each."""
    data = state.part(Section)
    battery = state.reading().temperature_dc / 10
    skin = data.status if data.skin_c >= 45 else 0
    return [
        ("battery", 2, battery, 0),
        ("VIRTUAL-SKIN", 3, data.skin_c, skin),
        ("BIG", 0, data.cpu_c, 0),
        ("LITTLE", 0, data.cpu_c - 1.3, 0),
        ("G3D", 1, data.gpu_c, 0),
        ("usb_pwr_therm", 4, battery + 0.6, 0),
    ]


def _thermalservice(state: PhoneState, arguments: Sequence[str]) -> str | None:
    """`dumpsys thermalservice`; Android 9 prints nothing, before that there is no such service."""
    sdk = state.persona.android.sdk
    if sdk < 29:
        return "" if sdk == 28 else None
    temperatures = [
        f"\tTemperature{{mValue={value:.1f}, mType={kind}, mName={name}, mStatus={status}}}"
        for name, kind, value, status in _sensors(state)
    ]
    listeners = ["\tcallbacks: 1", "\tkilled: false", "\tbroadcasts count: -1"]
    lines = ["IsStatusOverride: false", "ThermalEventListeners:", *listeners, "ThermalStatusListeners:", *listeners]
    lines += [f"Thermal Status: {state.part(Section).status}", "Cached temperatures:", *temperatures]
    hal = "ThermalHAL AIDL 1  connected: yes" if sdk >= 34 else "ThermalHAL 2.0 connected: yes"
    lines += ["HAL Ready: true", "HAL connection:", f"\t{hal}", "Current temperatures from HAL:", *temperatures]
    cooling = [f"\tCoolingDevice{{mValue=0, mType=2, mName=thermal-cpufreq-{core}}}" for core in range(2)]
    return "\n".join([*lines, "Current cooling devices from HAL:", *cooling]) + "\n"


def _hardware_properties(state: PhoneState, arguments: Sequence[str]) -> str | None:
    """`dumpsys hardware_properties`, from Android 7 on."""
    if state.persona.android.sdk < 24:
        return None
    data, none = state.part(Section), "-3.4028235E38"
    rows = [
        ("CPU", [data.cpu_c, data.cpu_c - 1.3], 95.0, 125.0),
        ("GPU", [data.gpu_c], 95.0, 125.0),
        ("Battery", [state.reading().temperature_dc / 10], None, 60.0),
        ("Skin", [data.skin_c], 54.0, 60.0),
    ]
    lines = ["****** Dump of HardwarePropertiesManagerService ******"]
    for name, now, throttling, shutdown in rows:
        lines += [
            f"{name} temperatures: [{', '.join(f'{value:.1f}' for value in now)}]",
            f"{name} throttling temperatures: [{', '.join(str(throttling or none) for _ in now)}]",
            f"{name} shutdown temperatures: [{', '.join(str(shutdown) for _ in now)}]",
            f"{name} vr throttling temperatures: [{', '.join(none for _ in now)}]",
        ]
    lines += ["Fan speed: []", "", "****** End of HardwarePropertiesManagerService dump ******"]
    return "\n".join(lines) + "\n"


def _zone(state: PhoneState, *, number: int, file: str) -> str | None:
    data = state.part(Section)
    if not data.zones:
        return None
    name, _, value, _ = _sensors(state)[number]
    if file == "type":
        return f"{name}\n"
    return "" if name in data.silent else "-40000\n" if name in data.broken else f"{round(value * 1000)}\n"


SERVICES = {"thermalservice": _thermalservice, "hardware_properties": _hardware_properties}
FILES: dict[str, Callable[[PhoneState], str | None]] = {
    f"{_FOLDER}/thermal_zone{number}/{file}": partial(_zone, number=number, file=file)
    for number in range(_ZONES)
    for file in ("temp", "type")
}
