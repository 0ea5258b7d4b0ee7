"""Builders of limits, checks and files for the tests of this folder."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from checklists.schema import Check, Limit
from probes.api import Loaded, Probe, Setting

SOURCE = {"text": {"en": "a made-up norm", "zh": "虚构标准"}, "ref": "test"}


def limit(**keys: Any) -> Limit:
    """A limit; a percentage of `level` unless said otherwise."""
    return Limit.model_validate({"measure": "level", "unit": "%", "source": SOURCE, **keys})


def check(check_id: str = "alpha", **keys: Any) -> Check:
    """A soft, automatic, quick check."""
    base = {"id": check_id, "layer": "soft", "title": {"en": check_id, "zh": "检测"}, "probe": {"android": "t.alpha"}}
    return Check.model_validate({**base, **keys})


async def _nothing() -> None: ...


def probe(probe_id: str = "t.alpha", **keys: Any) -> Probe:
    """A declared probe that is never run."""
    base: dict[str, Any] = {
        "id": probe_id,
        "run": _nothing,
        "needs": (),
        "reads": (),
        "measures": {"level": "%", "state": "text", "locked": "flag", "places": "list", "imei": "identity"},
        "settings": {},
        "asks": False,
        "repeatable": True,
        "writes": None,
        "unverified": False,
    }
    return Probe(**{**base, **keys})


def setting(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> Setting:
    """One keyword-only argument of a probe."""
    return Setting(name, annotation, default)


def registry(*probes: Probe, failed: Mapping[str, str] | None = None) -> Loaded:
    """What a bench has loaded."""
    return Loaded({one.id: one for one in probes}, {}, {}, failed or {})
