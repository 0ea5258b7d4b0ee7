"""What a maker's system keeps from the cable: commands that need these permissions end as on that maker's phones.

With `lets_go` set (the switch in Developer options was flipped) everything is allowed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drivers.sim.channel import Reply
from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.phone import SimulatedPhone

__all__ = ["ACTIONS", "SECTION", "Section"]

SECTION = "refuses"


class Section(Data):
    """The permissions, in Android's names without `android.permission.`, that the shell does not have."""

    permissions: tuple[str, ...] = ()


def _taken(phone: SimulatedPhone, permission: str) -> bool:
    part = phone.state.part(Section)
    return permission in part.permissions and not phone.state.scratch.get("lets_go")


def _input(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    if not arguments or not _taken(phone, "INJECT_EVENTS"):
        return None
    if phone.persona.android.sdk >= 31:
        said = (
            "Injecting input events requires the caller (or the source of the instrumentation, if any) to have the "
            "INJECT_EVENTS permission."
        )
    else:
        said = "Injecting to another application requires INJECT_EVENTS permission"
    return _thrown("keyevent", said, "com.android.server.input.InputManagerService.injectInputEventInternal")


def _settings(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    verb, space = (*arguments, "", "")[:2]
    if verb not in ("put", "delete") or space == "system" or not _taken(phone, "WRITE_SECURE_SETTINGS"):
        return None
    said = "Permission denial: writing to settings requires:android.permission.WRITE_SECURE_SETTINGS"
    return _thrown(verb, said, "com.android.providers.settings.SettingsProvider.enforceWritePermission")


def _pm(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    if list(arguments[:1]) not in (["grant"], ["revoke"]) or not _taken(phone, "GRANT_RUNTIME_PERMISSIONS"):
        return None
    said = (
        "grantRuntimePermission: Neither user 2000 nor current process has "
        "android.permission.GRANT_RUNTIME_PERMISSIONS."
    )
    return _thrown(arguments[0], said, "android.app.ContextImpl.enforce")


def _svc(phone: SimulatedPhone, arguments: Sequence[str]) -> Reply | None:
    """NFC is switched by whoever may write secure settings (AOSP NfcPermissions)."""
    if list(arguments[:1]) != ["nfc"] or not _taken(phone, "WRITE_SECURE_SETTINGS"):
        return None
    said = (
        "WRITE_SECURE_SETTINGS permission required: Neither user 2000 nor current process has "
        "android.permission.WRITE_SECURE_SETTINGS."
    )
    return Reply(stderr=f'Exception in thread "main" java.lang.SecurityException: {said}\n', code=255)


def _thrown(verb: str, said: str, where: str) -> Reply:
    """As AOSP's BasicShellCommandHandler prints what a service threw."""
    trace = f"\tat {where}(Unknown Source:4)\n\tat android.os.ShellCommand.exec(ShellCommand.java:38)\n"
    printed = f"\nException occurred while executing '{verb}':\njava.lang.SecurityException: {said}\n{trace}"
    return Reply(stderr=printed, code=255)


ACTIONS = {"input": _input, "pm": _pm, "settings": _settings, "svc": _svc}
