"""The apps of a simulated phone: those that its user added, what they may do, how much they hold, and own files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from drivers.sim.channel import Reply
from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.state import PhoneState

__all__ = ["CMD", "COMMANDS", "SECTION", "Section"]

SECTION = "packages"
#: What every phone has built in, as `pm list packages` names it.
BUILT_IN = ("android", "com.android.chrome", "com.android.settings", "com.android.systemui")


class App(Data):
    """One added app.

    Attributes:
        name: its package.
        installer: who installed it; empty for a file that somebody opened.
        overlay: whether it may draw over others.
    """

    name: str
    installer: str = "com.android.vending"
    overlay: bool = False


class Section(Data):
    """What the user added."""

    added: tuple[App, ...] = ()


def _list(state: PhoneState, words: Sequence[str]) -> str:
    added = state.part(Section).added
    third_only, named = "-3" in words, "-i" in words
    names = [(app.name, app.installer or "null") for app in added]
    if not third_only:
        names = [*((name, "null") for name in BUILT_IN), *names]
    return "".join(f"package:{name}" + (f"  installer={by}" if named else "") + "\n" for name, by in names)


def _pm(state: PhoneState, arguments: Sequence[str], uid: int) -> Reply:
    words = list(arguments)
    if words[:2] == ["list", "packages"]:
        return Reply(_list(state, words[2:]).encode())
    from drivers.sim.commands import COMMANDS as BUILT  # the parts are found by the module that they extend

    return BUILT["pm"](state, arguments, uid)


def _appops(state: PhoneState, words: Sequence[str], uid: int) -> Reply:
    """AOSP's AppOpsService: one package a line, or `No operations.`"""
    if list(words[:3]) != ["query-op", "SYSTEM_ALERT_WINDOW", "allow"]:
        return Reply(b"AppOps service (appops) commands:\n  help\n", code=255)
    allowed = [app.name for app in state.part(Section).added if app.overlay]
    return Reply("".join(f"{name}\n" for name in allowed).encode() or b"No operations.\n")


COMMANDS: dict[str, Callable[[PhoneState, Sequence[str], int], Reply]] = {"pm": _pm}
CMD: dict[str, Callable[[PhoneState, Sequence[str], int], Reply]] = {"appops": _appops}
