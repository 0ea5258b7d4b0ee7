"""The steps of a ticket's life, one module each: what is asked, who may do it, when, and what is recorded.

A module defines `STEPS`, a tuple of `station.steps.api.Step`. Found by name; the command line, the screen and the
engine know no single step.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from station.steps.api import Step

__all__ = ["steps"]


@cache
def steps() -> dict[str, Step]:
    """Every step by its id, in the order of a ticket's life. Raises ValueError when two modules claim an id."""
    found: list[Step] = []
    for info in pkgutil.iter_modules(__path__, f"{__name__}."):
        found += getattr(importlib.import_module(info.name), "STEPS", ())
    ids = [step.id for step in found]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise ValueError(f"claimed twice: {', '.join(sorted(twice))}")
    return {step.id: step for step in sorted(found, key=lambda step: step.place)}
