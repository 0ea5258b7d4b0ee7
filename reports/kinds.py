"""Every kind of record that this version knows: those of the main way, and those of each step of a ticket's life."""

from __future__ import annotations

import importlib
import pkgutil

import reports.steps
from reports.predicates import MAIN, Statement

__all__ = ["PREDICATES"]


def _found() -> dict[str, type[Statement]]:
    kinds = dict(MAIN)
    for info in pkgutil.iter_modules(reports.steps.__path__, "reports.steps."):
        added: dict[str, type[Statement]] = importlib.import_module(info.name).PREDICATES
        if twice := kinds.keys() & added.keys():
            raise ValueError(f"{info.name}: {', '.join(sorted(twice))} is stated elsewhere already")
        kinds |= added
    return kinds


#: The models by the name in the predicate type, e.g. `run/v1`.
PREDICATES: dict[str, type[Statement]] = _found()
