"""What lockdown says of an iPhone, as `ideviceinfo` prints it: `Key: value` lines, nested ones indented.

Pure parser of captured text; asking the phone itself is a driver's business.
"""

from __future__ import annotations

from collections.abc import Mapping

from probes.api import Parsed, parser
from probes.captured import is_framing, raw_lines
from probes.cut import without_cut_value
from probes.fields import FLAG_FIELD, NUMBER_FIELD, TEXT_FIELD, Field, read_fields

__all__ = ["ideviceinfo"]

_TEXTS = (
    "ActivationState", "BasebandStatus", "BasebandVersion", "BuildVersion", "CPUArchitecture", "DeviceClass",
    "DeviceName", "HardwareModel", "InternationalMobileEquipmentIdentity", "InternationalMobileEquipmentIdentity2",
    "MobileEquipmentIdentifier", "ModelNumber", "ProductType", "ProductVersion", "RegionInfo", "SIMStatus",
    "SerialNumber", "UniqueDeviceID", "WiFiAddress",
)  # fmt: skip
_NEVER_NESTED = frozenset(("ActivationState", "BuildVersion", "DeviceClass", "ProductType", "ProductVersion"))
_TOP: Mapping[str, tuple[str, Field]] = {
    **{name: TEXT_FIELD.named(name) for name in _TEXTS},
    **{name: FLAG_FIELD.named(name) for name in ("ActivationStateAcknowledged", "BrickState", "PasswordProtected")},
    **{name: NUMBER_FIELD.named(name) for name in ("ChipID", "BoardId")},
}
#: Found at any depth, most of them in the list of carrier bundles; country and network codes keep their zeros.
_ANYWHERE: Mapping[str, tuple[str, Field]] = {
    name: TEXT_FIELD.named(name) for name in ("kCTPostponementInfoAvailable", "MCC", "MNC")
}
_NESTED: Mapping[str, tuple[str, Field]] = {"CFBundleIdentifier": TEXT_FIELD.named("carrier_bundle")}


#: Words that no longer word begins with.
_WORDS = frozenset(
    (
        "Activated", "Unactivated", "FactoryActivated", "SoftActivation", "WildcardActivated", "BBInfoAvailable",
        "iPhone", "iPad", "iPod", "Watch", "AppleTV", "arm64e", "SIMCarrierInfo", "CarrierInfo", "DefaultCarrierInfo",
    )
)  # fmt: skip


def _whole(value: str) -> bool:
    return value.strip("`") in _WORDS or value in ("true", "false")


@parser("ideviceinfo")
def ideviceinfo(data: bytes) -> Parsed:
    """`ideviceinfo`: activation, baseband, build and model; the carrier bundle from the nested lists."""
    parsed = Parsed()
    found: list[tuple[int, str, str]] = []
    for line in without_cut_value(raw_lines(data), data, _whole):
        text = line.strip().strip("`")  # as pasted into a report
        name, colon, value = text.partition(":")
        if colon and not is_framing(text) and (not value or value[0] == " "):
            found.append((len(line) - len(line.lstrip()), name, value.strip()))
    # The whole text may stand indented in a report; these are nested in nothing, so that they tell by how much.
    top = [indent for indent, name, _ in found if name in _NEVER_NESTED]
    first = min(top or [indent for indent, _, _ in found], default=0)
    pairs = [(indent > first, name, value) for indent, name, value in found]
    read_fields([(name, value) for nested, name, value in pairs if not nested], _TOP, parsed)
    read_fields([(name, value) for _, name, value in pairs], _ANYWHERE, parsed)
    read_fields([(name, value) for nested, name, value in pairs if nested], _NESTED, parsed)
    return parsed
