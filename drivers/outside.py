"""Transports from outside this tree: entry points of the group `assay.drivers`.

Each names something that takes `simulated` (whether this bench is a simulated one) and gives a `Transport`. What fails
to load is told and stops nothing else. Knows no transport by name.
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Collection
from dataclasses import dataclass

from drivers.api import Transport

__all__ = ["GROUP", "Outside", "outside_transports"]

GROUP = "assay.drivers"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """What was found: the transports, and by entry point why one did not load."""

    transports: tuple[Transport, ...]
    failed: dict[str, str]


def outside_transports(taken: Collection[str], *, simulated: bool) -> Outside:
    """Every transport that an installed distribution offers; each failure is also logged.

    Args:
        taken: names of the bench's own transports, which nothing from outside may stand in for.
        simulated: whether this bench is a simulated one.
    """
    found: list[Transport] = []
    failed: dict[str, str] = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            transport = entry.load()(simulated)
            if transport.name in (*taken, *(one.name for one in found)):
                raise ValueError(f"the transport {transport.name!r} is there already")  # noqa: TRY301
            found.append(transport)
        except Exception as error:
            failed[entry.value] = f"{type(error).__name__}: {error}"
            _log.warning("%s did not load: %s", entry.value, failed[entry.value])
    return Outside(tuple(found), failed)
