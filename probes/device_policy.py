"""Who else has a say over the phone: accounts on it, device administrators and owners, and its screen lock.

Parsers of `dumpsys account`, `device_policy`, `trust` and `lock_settings`, as AOSP's services print them. Accounts are
counted by type; their names belong to a person and are no facts. What any of it means is judged elsewhere.
"""

from __future__ import annotations

import re

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import integer, note, raw_lines

__all__ = ["READ_ACCOUNTS", "READ_POLICY", "account", "device_policy", "lock_settings", "trust"]

READ_ACCOUNTS = Command("account", "dumpsys account", timeout_s=15.0, limit=2 * 1024 * 1024)
READ_POLICY = Command("device-policy", "dumpsys device_policy", timeout_s=15.0, limit=2 * 1024 * 1024)

_COMPONENT = r"[A-Za-z][\w.]{0,250}/[\w.$]{1,250}"
#: An administrator stands four blanks to the right of the dump's first line, which may itself have been moved.
_ADMIN = re.compile(rf"( {{4,60}})({_COMPONENT}):", re.ASCII)
_OWNER = re.compile(rf"admin=ComponentInfo\{{({_COMPONENT})\}}", re.ASCII)
#: What stands at the beginning of a line of this dump and of no other (AOSP, DevicePolicyManagerService.dump).
_POLICY_MARKS = (
    "Current Device Policy Manager state:",
    "Enabled Device Admins",
    "Device Owner:",
    "Profile Owner (User",
    "mPasswordOwner=",
)
_USER = re.compile(r"User UserInfo\{(-?[0-9]{1,9}):.{0,300}\}:", re.ASCII)
_ACCOUNT = re.compile(r" {4}Account \{name=.{0,300}, type=([\w.\-]{1,200})\}", re.ASCII)
_TRUST = re.compile(
    r"User \".{0,300}\" \(id=([0-9]{1,6}), flags=0x[0-9a-fA-F]{1,8}\)( \(current\))?:.{0,300} deviceLocked=([01])\b"
)
_CREDENTIAL = re.compile(r"(?:CredentialType|Credential type): {0,8}([A-Za-z_]{2,30})", re.ASCII)


@parser("account")
def account(data: bytes) -> Parsed:
    """`dumpsys account`: how many accounts the phone's users have, and of which types."""
    parsed = Parsed()
    counts: dict[str, int] = {}
    types: list[str] = []
    user = ""
    for line in raw_lines(data):
        if opens := _USER.fullmatch(line):
            user = opens[1]
        elif user and line.startswith("  Accounts: "):
            count = integer(line.partition(":")[2])
            if count is None:
                note(parsed, "accounts", line.strip(), "a number")
            else:
                counts.setdefault(user, count)
        elif user and (found := _ACCOUNT.fullmatch(line)):
            types.append(found[1])
    if counts:
        parsed.facts |= {"accounts": sum(counts.values()), "users": len(counts), "types": types}
    return parsed


@parser("device_policy")
def device_policy(data: bytes) -> Parsed:
    """`dumpsys device_policy`: the device owner and the active administrators of all users.

    `profile_alone` says whether what is owned is a work profile and not the whole phone.
    """
    parsed = Parsed()
    lines = raw_lines(data)
    marks = [line for line in lines if line.strip().startswith(_POLICY_MARKS)]
    if not marks:
        return parsed
    left = len(marks[0]) - len(marks[0].lstrip()) if marks[0].strip().startswith(_POLICY_MARKS[0]) else 0
    owned = any(line.strip().startswith("Device Owner:") or "admin=ComponentInfo" in line for line in lines)
    listed = [found for line in lines if (found := _ADMIN.fullmatch(line))]
    admins = [found[2] for found in listed if len(found[1]) == left + 4]
    parsed.facts |= {"device_owner": owned, "active_admins": len(admins)}
    said = [line.strip() for line in lines]
    if any(line.startswith("Profile Owner (User") for line in said):
        whole = any(line.startswith("Device Owner:") or line == "isOrganizationOwnedDevice=true" for line in said)
        parsed.facts["profile_alone"] = not whole
    if admins:
        parsed.facts["admins"] = list(dict.fromkeys(admins))
    owners = [found[1] for line in lines if (found := _OWNER.search(line))]
    if owners:
        parsed.facts["owners"] = list(dict.fromkeys(owners))
    for line in lines:
        name, equals, value = line.strip().partition("mPasswordOwner=")
        if equals and not name:
            number = integer(value)
            if number is None:
                note(parsed, "password_owner", value, "a number")
            else:
                parsed.facts["password_owner"] = number
            break
    return parsed


@parser("trust")
def trust(data: bytes) -> Parsed:
    """`dumpsys trust` (Android 6): whether the current user's phone is locked by a credential right now."""
    parsed = Parsed()
    for line in raw_lines(data):
        found = _TRUST.match(line.strip())
        if found and (found[2] or "device_locked" not in parsed.facts):
            parsed.facts["device_locked"] = found[3] == "1"
            if found[2]:
                break
    return parsed


@parser("lock_settings")
def lock_settings(data: bytes) -> Parsed:
    """`dumpsys lock_settings` (Android 11): the kind of credential of the first user, in lower case."""
    parsed = Parsed()
    for line in raw_lines(data):
        if found := _CREDENTIAL.match(line.strip()):
            parsed.facts["credential"] = found[1].lower()
            break
    return parsed
