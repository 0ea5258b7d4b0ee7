"""Keys: what each one does on a screen, when it works, and how the footer names it.

One table a screen is both the bindings and the footer, so that the footer shows only keys that work right now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from textual.binding import Binding

__all__ = ["Act", "bindings"]


def _always(_screen: Any) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a key does.

    Attributes:
        keys: Textual's names of the keys, separated by commas.
        action: the screen's action.
        shown: the key as the footer writes it; empty: works, but is not shown.
        label: English message of what it does (marked with `N_`, translated when shown).
        when: whether it works now, asked with the screen.
        short: a shorter message for terminals where the full ones do not fit beside each other.
    """

    keys: str
    action: str
    shown: str
    label: str
    when: Callable[[Any], bool] = _always
    short: str = ""

    @property
    def typed(self) -> bool:
        """Whether a text field would take the key for itself."""
        return len(self.shown) == 1


def bindings(acts: Iterable[Act]) -> list[Binding]:
    """The acts as Textual bindings."""
    return [Binding(key, act.action, show=False) for act in acts for key in act.keys.split(",")]
