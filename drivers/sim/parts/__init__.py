"""Parts of a simulated phone, one module each: what is special to it, what it prints, what a hand can do to it.

A module may define any of these names; nothing else in the simulator has to know it:

- `SECTION` and `Section`: the persona's optional table of that name, every field with a healthy default.
- `SERVICES`: answers to `dumpsys NAME`, None where this phone has no such service; `CMD`: answers to `cmd NAME`,
  or to `service call NAME` under these three words; `COMMANDS`: programs. They replace those built in.
- `ACTIONS`: what else a program does to the whole phone (its files, its screen). Several parts may have one for one
  program; the first reply is its answer, None leaves it to the next and to those built in.
- `FEATURES`: whether a feature of `pm list features` is there; `SETTINGS`: settings that follow the part, by
  `NAMESPACE NAME`, until somebody puts them.
- `FILES`: living files by absolute path (`/sys/...`); None where this phone has none.
- `HANDS`: what a willing person does when a bench asks, by prompt id (a regular expression for the whole id); gives the
  answer to type, or None when doing it was all.

Found by name at the first use, so that no module of the simulator imports them.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from drivers.sim.channel import Reply
    from drivers.sim.persona import Data
    from drivers.sim.phone import SimulatedPhone
    from drivers.sim.state import PhoneState

__all__ = ["Action", "Hand", "Parts", "Program", "Service", "parts"]

Service: TypeAlias = "Callable[[PhoneState, Sequence[str]], str | None]"
Program: TypeAlias = "Callable[[PhoneState, Sequence[str], int], Reply]"
Action: TypeAlias = "Callable[[SimulatedPhone, Sequence[str]], Reply | None]"
File: TypeAlias = "Callable[[PhoneState], str | None]"
Hand: TypeAlias = "Callable[[SimulatedPhone, str], Awaitable[str | None]]"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts together, by the names they answer to."""

    sections: Mapping[str, type[Data]]
    services: Mapping[str, Service]
    cmd: Mapping[str, Program]
    commands: Mapping[str, Program]
    files: Mapping[str, File]
    hands: Mapping[str, Hand]
    actions: Mapping[str, tuple[Action, ...]]
    features: Mapping[str, Callable[[PhoneState], bool]]
    settings: Mapping[str, Callable[[PhoneState], str]]

    def hand(self, prompt: str) -> Hand | None:
        """What a person does at that prompt, if a part says so."""
        return next((hand for pattern, hand in self.hands.items() if re.fullmatch(pattern, prompt)), None)


@cache
def parts() -> Parts:
    """Every part. Raises ValueError when two modules want the same name."""
    modules = [importlib.import_module(info.name) for info in pkgutil.iter_modules(__path__, f"{__name__}.")]
    sections = [(module, {module.SECTION: module.Section}) for module in modules if hasattr(module, "SECTION")]
    return Parts(
        sections=_together(sections),
        services=_named(modules, "SERVICES"),
        cmd=_named(modules, "CMD"),
        commands=_named(modules, "COMMANDS"),
        files=_named(modules, "FILES"),
        hands=_named(modules, "HANDS"),
        features=_named(modules, "FEATURES"),
        settings=_named(modules, "SETTINGS"),
        actions=_side_by_side(modules),
    )


def _named(modules: Sequence[ModuleType], kind: str) -> dict[str, Any]:
    return _together([(module, getattr(module, kind, {})) for module in modules])


def _side_by_side(modules: Sequence[ModuleType]) -> dict[str, tuple[Action, ...]]:
    found: dict[str, tuple[Action, ...]] = {}
    for module in modules:
        for name, action in getattr(module, "ACTIONS", {}).items():
            found[name] = (*found.get(name, ()), action)
    return found


def _together(tables: Sequence[tuple[ModuleType, Mapping[str, T]]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for module, table in tables:
        if twice := found.keys() & table.keys():
            raise ValueError(f"{module.__name__}: {', '.join(sorted(twice))} is another part's already")
        found |= table
    return found
