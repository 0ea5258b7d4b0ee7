"""The sound server of a simulated phone: its threads, its volumes and mutes, its devices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from drivers.sim.persona import Data

if TYPE_CHECKING:
    from drivers.sim.state import PhoneState

__all__ = ["SECTION", "SERVICES", "Section"]

SECTION = "audio"
#: Streams with their least and greatest volume (AOSP AudioService), and where they are heard.
_STREAMS = {
    "VOICE_CALL": (1, 7, "earpiece"),
    "SYSTEM": (0, 7, "speaker"),
    "RING": (0, 7, "speaker"),
    "MUSIC": (0, 15, "speaker"),
    "ALARM": (1, 7, "speaker"),
    "NOTIFICATION": (0, 7, "speaker"),
    "BLUETOOTH_SCO": (0, 15, "earpiece"),
}


class Section(Data):
    """The sound.

    Attributes:
        outputs: how many output threads there are; none when the HAL below is dead.
        blocked: whether the first output hangs in a write.
        devices: what the policy has, in AOSP's words.
        ringer: `NORMAL`, `VIBRATE` or `SILENT`.
        muted: muted streams, by name.
        volume: volumes by stream where they are not the usual.
    """

    outputs: int = 3
    blocked: bool = False
    devices: tuple[str, ...] = ("OUT_EARPIECE", "OUT_SPEAKER", "IN_BUILTIN_MIC", "IN_BACK_MIC")
    ringer: str = "NORMAL"
    muted: tuple[str, ...] = ()
    volume: dict[str, int] = Field(default_factory=dict)


def _audio(state: PhoneState, arguments: Sequence[str]) -> str:
    return "\n".join(_audio_lines(state)) + "\n"


def _audio_lines(state: PhoneState) -> Iterator[str]:
    section = state.part(Section)
    yield from ("", f"MediaFocusControl dump time: {state.date():%H:%M:%S}", "")
    yield from ("Audio Focus stack entries (last is top of stack):", "", " Notify on duck:  true", "")
    yield "Stream volumes (device: index)"
    for name, (least, most, device) in _STREAMS.items():
        volume = section.volume.get(name, (least + most) // 2 + 1)
        yield f"- STREAM_{name}:"
        yield f"   Muted: {'true' if name in section.muted else 'false'}"
        yield from (f"   Min: {least}", f"   Max: {most}")
        yield f"   Current: 2 (speaker): {volume}, 4 (headset): 4, 40000000 (default): 5"
        yield f"   Devices: {device}"
    yield from ("", "- mute affected streams = 0x6f", "", "Ringer mode: ")
    yield from (f"- mode (internal) = {section.ringer}", f"- mode (external) = {section.ringer}", "")


def _flinger(state: PhoneState, arguments: Sequence[str]) -> str:
    return "\n".join(_flinger_lines(state)) + "\n"


def _flinger_lines(state: PhoneState) -> Iterator[str]:
    section = state.part(Section)
    yield from ("Libraries NOT loaded:", "Libraries loaded:", " Library downmix", "  path: /vendor/lib64/libdownmix.so")
    yield from ("Clients:", "  pid: 1004", "Notification Clients:", "  pid: 1004", "Global session refs:")
    yield from ("  session   pid count", "Hardware status: 0", "Standby Time mSec: 3000", "")
    for number in range(section.outputs):
        blocked = section.blocked and number == 0
        name = f"AudioOut_{0xD + 8 * number:X}"
        yield f"Output thread 0x7b{number:02x}40c000, name {name}, tid {900 + number}, type 0 (MIXER):"
        yield from (f"  I/O handle: {13 + 8 * number}", f"  Standby: {'no' if blocked else 'yes'}")
        yield from ("  Sample rate: 48000 Hz", "  HAL frame count: 960", "  Channel count: 2")
        yield from ("  Output device: 0x2 (AUDIO_DEVICE_OUT_SPEAKER)", "  Input device: 0 (AUDIO_DEVICE_NONE)")
        yield from (f"  Total writes: {4120 if number == 0 else 0}", "  Delayed writes: 0")
        yield from (f"  Blocked in write: {'yes' if blocked else 'no'}", "  Suspend count: 0", "")


def _policy(state: PhoneState, arguments: Sequence[str]) -> str:
    return "\n".join(_policy_lines(state)) + "\n"


def _policy_lines(state: PhoneState) -> Iterator[str]:
    devices = state.part(Section).devices
    yield from ("AudioPolicyManager: 0x7b1240", " Primary Output I/O handle: 13", " Phone state: AUDIO_MODE_NORMAL")
    for side, word in (("OUT", "output"), ("IN", "input")):
        own = [device for device in devices if device.startswith(f"{side}_")]
        yield f" Available {word} devices ({len(own)}):"
        for number, device in enumerate(own, 1):
            yield f'  {number}. Port ID: {number}; "{device.partition("_")[2].title()}"; {{AUDIO_DEVICE_{device}, @:}}'
    yield from (" Hardware modules (1):", '  1. Handle: 10; "primary"')


SERVICES = {"audio": _audio, "media.audio_flinger": _flinger, "media.audio_policy": _policy}
