"""The living state of one simulated phone: what changes while it lies on the bench.

Stands on a persona (what it is), a clock and the battery model. It knows neither adb nor how a command prints.
"""

from __future__ import annotations

import asyncio
import datetime
import time
from dataclasses import dataclass
from typing import Any, TypeVar

from drivers.sim.battery import BatteryModel, BatteryReading
from drivers.sim.clock import Clock
from drivers.sim.identity import PhoneIdentity, make_identity
from drivers.sim.parts import parts
from drivers.sim.persona import Battery, Data, Persona
from drivers.sim.properties import properties_of

__all__ = ["InputFrame", "KeyEvent", "PhoneState"]

Section = TypeVar("Section", bound=Data)


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One key going down (1) or up (0) on an input device, on the monotonic clock."""

    time_s: float
    device: str
    code: int
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class InputFrame:
    """Events of one input device up to and with a report: (type, code, value) each, on the monotonic clock."""

    time_s: float
    device: str
    events: tuple[tuple[int, int, int], ...]


class PhoneState:
    """Everything a command may ask for or change."""

    def __init__(self, persona: Persona, *, seed: str, clock: Clock) -> None:
        self.persona, self.seed, self.clock = persona, seed, clock
        self.identity: PhoneIdentity = make_identity(persona.model, len(persona.sims), seed)
        self.battery = BatteryModel(persona.battery, seed)
        self.settings: dict[tuple[str, str], str] = {
            (space, key): value for space, entries in persona.settings.items() for key, value in entries.items()
        }
        self.wifi_enabled = persona.wifi.enabled and persona.wifi.present
        self.held: set[str] = set(persona.stuck_keys)
        self.scratch: dict[str, Any] = {}  # what parts keep while they live, by a name of theirs
        self._set_props: dict[str, str] = {}
        self._listeners: set[asyncio.Queue[KeyEvent | InputFrame]] = set()
        self._props = properties_of(persona, self.identity)

    # -- changed from outside -----------------------------------------------------------------------------------------
    def change(self, **changes: Any) -> None:
        """Change what the phone is made of while it lives: `change(sensors=..., camera_events=())`.

        The keys are those of `Persona`; raises ValueError for one that is none. A repaired phone is one whose broken
        part was replaced this way.
        """
        fields = {**dict(self.persona), **changes}
        self.persona = Persona.model_validate(fields)
        self._props = properties_of(self.persona, self.identity)
        if "battery" in changes:
            self.battery.fit(self.persona.battery)
        self.held = set(self.persona.stuck_keys)

    def fit_battery(self, **changes: Any) -> None:
        """Put a new battery in: full capacity, no cycles, unless `changes` of `Battery` say otherwise."""
        old = self.persona.battery
        fresh: dict[str, Any] = {"full_uah": old.design_uah, "cycles": 0 if old.cycles is not None else None}
        fresh |= {"health": 2, "resistance_mohm": 90, "samsung_usage": 0, "plugged": self.battery.plugged}
        if old.samsung_asoc is not None:
            fresh["samsung_asoc"] = 100
        self.change(battery=Battery.model_validate(dict(old) | fresh | changes))

    def set_prop(self, name: str, value: str) -> None:
        """What `setprop` does."""
        self._set_props[name] = value

    def part(self, section: type[Section]) -> Section:
        """What the persona says of one part (`drivers.sim.parts`), else that part in good order."""
        name = next(name for name, known in parts().sections.items() if known is section)
        found = self.persona.parts.get(name)
        return found if isinstance(found, section) else section()

    # -- read by commands ---------------------------------------------------------------------------------------------
    @property
    def props(self) -> dict[str, str]:
        """All properties, in alphabetical order."""
        return dict(sorted((self._props | self._set_props).items()))

    def prop(self, name: str) -> str:
        """One property, empty where there is none."""
        return self._set_props.get(name, self._props.get(name, ""))

    def reading(self) -> BatteryReading:
        """The battery now."""
        return self.battery.read(self.clock.now())

    def date(self, ago_s: float = 0.0) -> datetime.datetime:
        """The phone's calendar, `ago_s` seconds before now."""
        moment = self.clock.epoch_s + self.clock.now() - ago_s
        return datetime.datetime.fromtimestamp(moment, tz=datetime.UTC)

    def since_start(self, ago_s: float) -> datetime.datetime:
        """A fixed moment `ago_s` seconds before the bench was switched on."""
        return datetime.datetime.fromtimestamp(self.clock.epoch_s - ago_s, tz=datetime.UTC)

    # -- keys ---------------------------------------------------------------------------------------------------------
    def key(self, name: str, value: int) -> None:
        """A key of the phone moves; a dead one does nothing, one that the phone does not have is a KeyError."""
        for device in self.persona.inputs:
            if name in device.keys:
                break
        else:
            raise KeyError(f"{self.persona.name} has no {name}")
        if name in self.persona.dead_keys or name in self.persona.stuck_keys:
            return
        if value:
            self.held.add(name)
        else:
            self.held.discard(name)
        self.emit(KeyEvent(time.monotonic(), device.path, device.keys[name], name, value))

    def emit(self, event: KeyEvent | InputFrame) -> None:
        """Let every open event stream have it."""
        for listener in self._listeners:
            listener.put_nowait(event)

    def listen(self) -> asyncio.Queue[KeyEvent | InputFrame]:
        """A queue of all input events from now on; give it back to `unlisten`."""
        queue: asyncio.Queue[KeyEvent | InputFrame] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def unlisten(self, queue: asyncio.Queue[KeyEvent | InputFrame]) -> None:
        """Stop filling the queue."""
        self._listeners.discard(queue)

    @property
    def listeners(self) -> int:
        """How many event streams are open."""
        return len(self._listeners)
