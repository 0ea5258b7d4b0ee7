"""The codes of a complaint as a form's choices: what, and when, how often and after what.

They are those of the diagnosis policy; its file is read alone, since the whole policy takes half a second to check.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

from drivers.text import Words
from station.steps.api import Choice

__all__ = ["qualifiers", "symptoms"]


@cache
def _policy() -> dict[str, Any]:
    return tomllib.loads((resources.files("checklists.diagnosis") / "policy/symptoms.toml").read_text(encoding="utf-8"))


def symptoms() -> tuple[Choice, ...]:
    """Every coded symptom."""
    return tuple(_choice(one) for one in _policy()["symptom"])


def qualifiers() -> tuple[Choice, ...]:
    """Every code for when, how often and after what."""
    return tuple(_choice(one) for one in _policy()["qualifier"])


def _choice(entry: dict[str, Any]) -> Choice:
    return Choice(entry["id"], Words(entry["name"]["en"], entry["name"]["zh"]))
