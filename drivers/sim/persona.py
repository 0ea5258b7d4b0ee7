"""What a simulated phone is, as data: the schema of `personas/*.toml` and its loader.

Stands on pydantic. A persona says what the phone is made of and what is wrong with it; how it prints that is the
business of `commands` and `dumpsys`, how it changes with time that of `state`.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from drivers.sim.parts import parts

__all__ = [
    "CARDS",
    "Account",
    "Adb",
    "Android",
    "Authorisation",
    "Battery",
    "Camera",
    "CameraEvent",
    "Crash",
    "Data",
    "Dropped",
    "InputDevice",
    "LogLine",
    "Model",
    "Partition",
    "Persona",
    "Security",
    "Sensor",
    "Sim",
    "Wifi",
    "load_persona",
    "persona_names",
]

_FOLDER = Path(__file__).parent / "personas"
#: The model cards of simulated phones; a bench that has such phones may hold them against these.
CARDS = _FOLDER.parent / "cards"


class Data(BaseModel):
    """Base of everything that a persona file may say: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Authorisation(StrEnum):
    """How a phone meets a bench it has not seen."""

    TRUSTED = "trusted"
    """The bench was allowed long ago: its key is known if the bench names one, else no proof is asked for."""
    ASK = "ask"
    """The dialog stands on the screen until somebody taps."""


class Model(Data):
    """What is printed on the box.

    Attributes:
        tac: the first eight digits of its IMEIs (type allocation code).
        serial: the shape of its serial: `#` a digit, `@` a capital letter, `*` either, all else itself.
    """

    manufacturer: str
    brand: str
    model: str
    device: str
    product: str
    board: str
    hardware: str
    tac: Annotated[str, Field(pattern=r"^\d{8}$")]
    serial: str


class Android(Data):
    """The system it runs."""

    release: str
    sdk: int
    build_id: str
    incremental: str
    patch: str = ""
    type: str = "user"
    tags: str = "release-keys"
    kernel: str = "5.10.177-android13-4"
    baseband: str = ""
    bootloader: str = "unknown"
    built_s: int = 1_700_000_000


class Adb(Data):
    """How its adbd speaks.

    Attributes:
        state: what the banner calls itself: `device`, `recovery`, `sideload`, `rescue`.
        features: as announced to the host; none before Android 7.
        version, max_payload: protocol version and largest payload.
        toolbox: the shell has only Android 5's few tools.
        trade_in: the phone is in trade-in mode: its adbd refuses all but `tradeinmode`.
    """

    state: str = "device"
    authorisation: Authorisation = Authorisation.TRUSTED
    features: tuple[str, ...] = (
        "shell_v2",
        "cmd",
        "stat_v2",
        "ls_v2",
        "fixed_push_mkdir",
        "apex",
        "fixed_push_symlink_timestamp",
        "sendrecv_v2",
    )
    version: int = 0x01000001
    max_payload: int = 1024 * 1024
    toolbox: bool = False
    trade_in: bool = False


class Security(Data):
    """What the verified boot chain and the properties say."""

    verified_boot: str = "green"
    locked: bool = True
    su: bool = False
    debuggable: bool = False
    selinux: str = "Enforcing"
    warranty_bit: int | None = None
    encryption: str = "encrypted"


class Battery(Data):
    """A battery and what it is plugged to at the start.

    Attributes:
        design_uah, full_uah: capacity as designed and as it is now.
        cycles: charge cycles, None where the phone does not tell.
        level: per cent at the start.
        plugged: `usb`, `ac` or empty.
        resistance_mohm: internal resistance.
        drain_ua: current drawn by the phone with its screen on.
        charge_ua: charging current of the bulk phase over USB.
        health: BatteryManager's code (2 good, 3 overheat, 4 dead, 7 cold).
        ambient_c: temperature of the room.
        sysfs: whether the shell may read /sys/class/power_supply.
        samsung_asoc, samsung_usage, samsung_first_use, samsung_made: fields that Samsung's service prints.
        learned: whether batterystats has learned a capacity.
    """

    design_uah: int
    full_uah: int
    cycles: int | None = None
    level: int = 80
    plugged: str = "usb"
    resistance_mohm: int = 90
    drain_ua: int = 280_000
    charge_ua: int = 450_000
    health: int = 2
    technology: str = "Li-ion"
    ambient_c: float = 24.0
    sysfs: bool = True
    samsung_asoc: int | None = None
    samsung_usage: int = 0
    samsung_first_use: str = ""
    samsung_made: str = ""
    learned: bool = True
    serial: str = ""


class Sensor(Data):
    """One line of the sensor service."""

    handle: int
    name: str
    vendor: str
    type: int
    type_name: str
    mode: str = "continuous"
    min_hz: float = 1.0
    max_hz: float = 200.0
    wake_up: bool = False
    axes: tuple[float, ...] = ()
    """The values of its last events, empty where none were logged."""
    noise: float = 0.0


class Camera(Data):
    """One camera that the camera service counts."""

    facing: str
    orientation: int
    flash: bool = False
    width: int = 4000
    height: int = 3000
    focal_mm: float = 5.4
    aperture: float = 1.8


class CameraEvent(Data):
    """One line of the camera service's log; `ago_s` seconds before the phone was plugged in."""

    ago_s: int
    text: str


class Wifi(Data):
    """The Wi-Fi chip."""

    enabled: bool = True
    present: bool = True
    ssid: str = ""
    bssid: str = ""
    rssi_dbm: int = -52
    link_mbps: int = 433
    frequency_mhz: int = 5220


class Sim(Data):
    """One SIM slot."""

    state: str = "ABSENT"
    operator: str = ""
    numeric: str = ""
    country: str = ""
    network: str = "Unknown"
    rsrp_dbm: int | None = None


class Partition(Data):
    """One mounted file system, in kB."""

    device: str
    mount: str
    total_kb: int
    used_kb: int


class Crash(Data):
    """One native crash with its tombstone and dropbox entry; `ago_s` seconds before the phone was plugged in."""

    process: str
    thread: str
    signal: str = "11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0000000000000010"
    library: str
    function: str
    ago_s: int
    uid: int = 1047
    abort: str = ""


class Dropped(Data):
    """One dropbox entry that is not a native crash."""

    tag: str
    text: str
    ago_s: int


class LogLine(Data):
    """One line of the main log."""

    tag: str
    text: str
    ago_s: int
    level: str = "I"


class Account(Data):
    """One account on the phone."""

    name: str
    type: str = "com.google"


class InputDevice(Data):
    """One kernel input device; `keys` maps the key's kernel name to its code."""

    path: str
    name: str
    keys: dict[str, int] = {}
    touch: bool = False
    switches: tuple[str, ...] = ()


class Persona(Data):
    """One phone, whole.

    Attributes:
        props: properties that are added to or replace the derived ones; an empty text removes nothing.
        absent_props: derived properties that this phone does not have.
        answers: answers that replace a command's own, by its words, e.g. `"dumpsys wifi"`.
        cost_ms: time that a command takes on the phone, by its first words; the longest match counts.
        sensor_error: printed by the sensor service instead of everything else.
        sensor_features: what the phone was built with (`proximity`), whether it is still there or not.
        camera_provider_up: whether the camera service has a provider to ask.
        dead_keys: kernel key names that never arrive when pressed.
        stuck_keys: kernel key names that read as held down.
        bounce_keys: kernel key names that chatter.
        parts: the tables of single parts (`drivers.sim.parts`), by name; in the file they stand beside all else.
    """

    name: str
    about_en: str
    about_zh: str
    model: Model
    android: Android
    adb: Adb = Adb()
    security: Security = Security()
    battery: Battery
    sensors: tuple[Sensor, ...] = ()
    sensor_error: str = ""
    sensor_features: tuple[str, ...] = ()
    cameras: tuple[Camera, ...] = ()
    camera_events: tuple[CameraEvent, ...] = ()
    camera_errors: tuple[str, ...] = ()
    camera_provider_up: bool = True
    wifi: Wifi = Wifi()
    sims: tuple[Sim, ...] = (Sim(),)
    partitions: tuple[Partition, ...] = ()
    memory_kb: int = 8_000_000
    crashes: tuple[Crash, ...] = ()
    dropbox: tuple[Dropped, ...] = ()
    log: tuple[LogLine, ...] = ()
    accounts: tuple[Account, ...] = ()
    device_owner: str = ""
    inputs: tuple[InputDevice, ...] = ()
    dead_keys: tuple[str, ...] = ()
    stuck_keys: tuple[str, ...] = ()
    bounce_keys: tuple[str, ...] = ()
    props: dict[str, str] = {}
    absent_props: tuple[str, ...] = ()
    settings: dict[str, dict[str, str]] = {}
    answers: dict[str, str] = {}
    cost_ms: dict[str, float] = {}
    parts: dict[str, SerializeAsAny[Data]] = {}

    @model_validator(mode="before")
    @classmethod
    def _tables_of_parts(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        sections = parts().sections
        own = {name: value for name, value in values.items() if name not in sections}
        tables = dict(values.get("parts", {}))
        for name in sections.keys() & values.keys():
            tables[name] = sections[name].model_validate(values[name])
        return own | {"parts": tables}


def persona_names() -> list[str]:
    """The personas that come with the project, in alphabetical order."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_persona(name_or_path: str | Path) -> Persona:
    """The persona of that name or file.

    Raises FileNotFoundError for an unknown name and pydantic's ValidationError (a ValueError) for a file that does not
    fit the schema.
    """
    path = Path(name_or_path) if "/" in str(name_or_path) else _FOLDER / f"{name_or_path}.toml"
    if not path.is_file():
        raise FileNotFoundError(f"no persona {name_or_path}; there are: {', '.join(persona_names())}")
    with path.open("rb") as file:
        return Persona.model_validate(tomllib.load(file))
