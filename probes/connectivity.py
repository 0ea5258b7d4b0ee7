"""Which networks the phone is on, and whether its own check found the internet behind them.

One parser for the list of networks of the connectivity service, in the forms of Android 5 to 16.
"""

from __future__ import annotations

import re

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import stripped_lines

__all__ = ["READ_NETWORKS", "connectivity"]

# The dump runs to megabytes of history on a phone in use; the phone itself picks the lines of the networks.
READ_NETWORKS = Command(
    "networks",
    "dumpsys connectivity | grep -E 'Active default network|^ *NetworkAgentInfo|Permission|find service'",
    timeout_s=15.0,
    limit=512 * 1024,
)

_NETWORK = re.compile(r"\bnetwork\{([0-9]{1,9})\}|^NetworkAgentInfo \[[^\]]{1,60} - ([0-9]{1,9})\]", re.ASCII)
_CAPABILITIES = re.compile(r"\bTransports: ([A-Z_|&]{1,80}) Capabilities: ([A-Z0-9_&]{1,600})", re.ASCII)
_DEFAULT = re.compile(r"Active default network: (?:([0-9]{1,9})|none)", re.ASCII)
_SUBSCRIPTION = re.compile(r"(?:mSubId = |SubscriptionIds: \{|Specifier: <)([0-9]{1,9})\b", re.ASCII)
_VALIDATED = re.compile(r"\blastValidated(?:\{true\}| (?:[1-9]|\Z))|\bIS_VALIDATED\b", re.ASCII)


@parser("connectivity")
def connectivity(data: bytes) -> Parsed:
    """`dumpsys connectivity`: whether the mobile network and Wi-Fi are there for the internet and validated."""
    parsed = Parsed()
    facts = parsed.facts
    default = ""
    lines = stripped_lines(data)
    for line in lines:
        if found := _DEFAULT.match(line):
            default = found[1] or ""
            facts |= {"cellular_connected": False, "wifi_connected": False}
            break
    for line in lines:
        capabilities = _CAPABILITIES.search(line) if line.startswith("NetworkAgentInfo") else None
        if capabilities is None or "INTERNET" not in capabilities[2].split("&"):
            continue
        transports = re.split(r"[|&]", capabilities[1])
        kind = "cellular" if "CELLULAR" in transports else "wifi" if "WIFI" in transports else ""
        if not kind or "VPN" in transports or facts.get(f"{kind}_connected"):
            continue
        validated = "VALIDATED" in capabilities[2].split("&") or bool(_VALIDATED.search(line))
        facts |= {f"{kind}_connected": True, f"{kind}_validated": validated}
        if (number := _NETWORK.search(line)) and default in (number[1], number[2]):
            facts["default"] = kind
        if kind == "cellular" and (subscription := _SUBSCRIPTION.search(line)):
            facts["cellular_sub"] = int(subscription[1])
    return parsed
