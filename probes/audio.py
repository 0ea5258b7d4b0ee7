"""What stands between a phone's apps and its loudspeaker: the sound server's threads, devices, volumes and mutes.

From `dumpsys media.audio_flinger`, `dumpsys audio` and the list of devices in `dumpsys media.audio_policy`. Whether
anything is heard is another check; here it shows whether a silent phone is broken or only turned down.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

from drivers.api import Command, Shell
from drivers.text import Words
from probes.answers import Heard, as_value, hear, hear_second, reading
from probes.api import Bench, Measurement, Parsed, Reading, Unread, parser, probe
from probes.captured import decimal, flag, integer, note, stripped_lines
from probes.units import FLAG, LIST, TEXT

__all__ = ["audio", "audio_flinger", "audio_path", "audio_policy"]

#: From Android 14 on a stream that follows another names it: `- STREAM_DTMF (aliased to: STREAM_RING):`.
_STREAM = re.compile(r"- STREAM_([A-Z_]{1,40})(?: \([^()]{0,80}\))?:?")
_AT_SPEAKER = re.compile(r"\b2 \(speaker\): ([0-9]{1,6})\b", re.ASCII)
_MODE = re.compile(r"(?:- )?mode \(internal\) ?= ?(\w{1,30})", re.ASCII)
#: The streams that a customer misses when they are silent, by their names in AOSP's AudioSystem.
_HEARD_STREAMS = ("VOICE_CALL", "RING", "MUSIC", "ALARM", "NOTIFICATION")


@parser("audio")
def audio(data: bytes) -> Parsed:
    """`dumpsys audio`: volumes and mutes of each stream, and the ringer's mode."""
    parsed = Parsed()
    facts = parsed.facts
    stream = ""
    for line in stripped_lines(data):
        if found := _STREAM.fullmatch(line):
            stream = found[1]
        elif line.startswith(("- STREAM_", "- VOLUME GROUP ")):
            stream = ""
        elif mode := _MODE.match(line):
            facts.setdefault("ringer_mode", mode[1])
            stream = ""
        elif stream:
            _of_stream(stream, line, parsed)
    return parsed


def _of_stream(stream: str, line: str, parsed: Parsed) -> None:
    """One line of a stream's block. The first block of a stream counts."""
    name, colon, value = line.partition(":")
    value = value.strip()
    known = {"Min": "min", "Max": "max", "Muted": "muted", "Devices": "devices"}
    if name == "Current":
        if at := _AT_SPEAKER.search(value):
            parsed.facts.setdefault(f"{stream.lower()}_at_speaker", int(at[1]))
    elif colon and value and name in known:
        fact = f"{stream.lower()}_{known[name]}"
        if fact in parsed.facts:
            return
        # What an app without the permission may set stands behind the least volume: `Min: 1 w/o perm:0`.
        word = value.split()[0]
        read = value if name == "Devices" else flag(word) if name == "Muted" else integer(word)
        if read is None:
            note(parsed, fact, value, "a flag" if name == "Muted" else "a number")
        else:
            parsed.facts[fact] = read


_THREAD = re.compile(r"(Output|Input) thread 0x")
_FIRSTS = {
    "Sample rate": "first_output_sample_rate_Hz",
    "Standby": "first_output_standby",
    "Output device": "first_output_device",
    "Output devices": "first_output_devices",  # Android 11 and later
    "Total writes": "first_output_total_writes",
}
#: Flags that are true when they are true of any thread.
_ANY = {"Blocked in write": "blocked_in_write", "mMasterMute": "master_mute"}
_LEADING_NUMBER = re.compile(r"-?[0-9]{1,18}\b", re.ASCII)


@parser("audio_flinger")
def audio_flinger(data: bytes) -> Parsed:
    """`dumpsys media.audio_flinger`: state of the hardware, threads, and how the first output is set."""
    parsed = Parsed()
    facts = parsed.facts
    threads = {"Output": 0, "Input": 0}
    lines = stripped_lines(data)
    for line in lines:
        if found := _THREAD.match(line):
            threads[found[1]] += 1
            continue
        name, colon, value = line.partition(":")
        value = value.strip()
        if not colon or not value:
            continue
        if name == "Hardware status":
            _number(parsed, "hardware_status", value)
        elif name in _FIRSTS and _FIRSTS[name] not in facts:
            _first(parsed, _FIRSTS[name], value)
        elif name in _ANY and (told := flag(value)) is not None:
            facts[_ANY[name]] = facts.get(_ANY[name], False) or told
    if facts or any(threads.values()):
        facts |= {"output_threads": threads["Output"], "input_threads": threads["Input"]}
    return parsed


def _first(parsed: Parsed, fact: str, value: str) -> None:
    if fact in ("first_output_device", "first_output_devices"):
        parsed.facts[fact] = value
    elif fact == "first_output_standby":
        if (told := flag(value)) is None:
            note(parsed, fact, value, "a flag")
        else:
            parsed.facts[fact] = told
    else:
        _number(parsed, fact, value)


def _number(parsed: Parsed, fact: str, value: str) -> None:
    found = _LEADING_NUMBER.match(value)
    number = decimal(found[0]) if found else None
    if number is None:
        note(parsed, fact, value, "a number")
    else:
        parsed.facts.setdefault(fact, int(number))


_AVAILABLE = re.compile(r"(?:- )?Available (output|input) devices\b.{0,20}", re.ASCII)
_DEVICE = re.compile(r"\bAUDIO_DEVICE_(OUT|IN)_([A-Z0-9_]{1,40})\b", re.ASCII)


@parser("audio_policy")
def audio_policy(data: bytes) -> Parsed:
    """`dumpsys media.audio_policy`: the devices that are there now, `out:SPEAKER`, `in:BUILTIN_MIC` and so on.

    From AOSP's AudioPolicyManager::dump and DeviceDescriptor::dump (Android 7 and later).
    """
    parsed = Parsed()
    found: dict[str, None] = {}
    section = ""
    for line in stripped_lines(data):
        if head := _AVAILABLE.fullmatch(line):
            section = head[1][:2].upper().replace("OU", "OUT")
            parsed.facts.setdefault("available_devices", [])
        elif line.startswith(("HW Modules", "- HW Module", "Hardware modules")):
            section = ""
        elif section and (device := _DEVICE.search(line)) and device[1] == section:
            found[f"{device[1].lower()}:{device[2]}"] = None
    if "available_devices" in parsed.facts:
        parsed.facts["available_devices"] = list(found)
    return parsed


_FLINGER = Command("audio-flinger", "dumpsys media.audio_flinger", timeout_s=15.0, limit=1024 * 1024)
_AUDIO = Command("audio", "dumpsys audio", timeout_s=15.0, limit=1024 * 1024)
_POLICY = Command("audio-policy", "dumpsys media.audio_policy", timeout_s=15.0, limit=1024 * 1024)
_NO_LIST = Words("the phone's audio policy lists no devices in a known form", "手机音频策略未以已知格式列出设备")


def _quiet(said: Heard) -> Reading:
    """What makes a sound part look dead and is only a setting: mutes, volumes of nothing, the ringer's mode."""
    if said.get("ringer_mode") is None and said.get("music_max") is None:
        return Unread("turned_down", said.reason("ringer_mode"), said.source)
    found = [f"{name.lower()}: muted" for name in _HEARD_STREAMS if said.get(f"{name.lower()}_muted")]
    found += [
        f"{name.lower()}: volume 0"
        for name in _HEARD_STREAMS
        if said.get(f"{name.lower()}_at_speaker") == 0 and not said.get(f"{name.lower()}_muted")
    ]
    if (mode := said.get("ringer_mode")) not in (None, "NORMAL"):
        found.append(f"ringer: {mode}")
    return Measurement("turned_down", as_value(found), f"{said.source}: Muted, Current, mode (internal)")


def _devices(said: Heard) -> Iterator[Reading]:
    """Which of the phone's own sound parts the policy has; vendors that print no list leave it open."""
    listed = said.get("available_devices")
    source = f"{said.source}: Available devices"
    wanted = {"speaker": "out:SPEAKER", "earpiece": "out:EARPIECE", "microphone": "in:BUILTIN_MIC"}
    if not listed:
        why = said.reason("available_devices") if listed is None else _NO_LIST
        yield from (Unread(f"{name}_listed", why, source) for name in wanted)
        return
    for name, device in wanted.items():
        yield Measurement(f"{name}_listed", device in listed, source)
    yield Measurement("audio_devices", as_value(listed), source)


@probe(
    "android.audio-path",
    needs=Shell,
    reads=(_FLINGER, _AUDIO, _POLICY),
    measures={
        "output_threads": "1",
        "input_threads": "1",
        "hardware_status": "1",
        "write_blocked": FLAG,
        "master_mute": FLAG,
        "output_device": TEXT,
        "turned_down": LIST,
        "ringer_mode": TEXT,
        "speaker_listed": FLAG,
        "earpiece_listed": FLAG,
        "microphone_listed": FLAG,
        "audio_devices": LIST,
    },
    names={
        "output_threads": Words("sound outputs", "音频输出通道"),
        "input_threads": Words("open recordings", "进行中的录音"),
        "hardware_status": Words("audio hardware call", "音频硬件调用状态"),
        "write_blocked": Words("output blocked", "输出阻塞"),
        "master_mute": Words("master mute", "总静音"),
        "output_device": Words("output device", "输出设备"),
        "turned_down": Words("muted or turned down", "静音或音量为零"),
        "ringer_mode": Words("ringer mode", "响铃模式"),
        "speaker_listed": Words("loudspeaker listed", "扬声器已列出"),
        "earpiece_listed": Words("earpiece listed", "听筒已列出"),
        "microphone_listed": Words("microphone listed", "麦克风已列出"),
        "audio_devices": Words("sound devices", "音频设备"),
    },
)
async def audio_path(bench: Bench) -> AsyncIterator[Reading]:
    """Whether the sound server has its outputs and devices, and what is only muted or turned down."""
    flinger = hear(bench, _FLINGER, audio_flinger)
    said = hear_second(bench, _AUDIO, audio)
    yield reading("output_threads", flinger, "output_threads", words="Output thread")
    yield reading("input_threads", flinger, "input_threads", words="Input thread")
    yield reading("hardware_status", flinger, "hardware_status", words="Hardware status")
    yield reading("write_blocked", flinger, "blocked_in_write", words="Blocked in write")
    if flinger.get("master_mute") is not None:
        yield reading("master_mute", flinger, "master_mute", words="mMasterMute")
    device = "first_output_devices" if flinger.get("first_output_devices") else "first_output_device"
    yield reading("output_device", flinger, device, words="Output device")
    yield _quiet(said)
    yield reading("ringer_mode", said, "ringer_mode", words="mode (internal)")
    for found in _devices(hear_second(bench, _POLICY, audio_policy)):
        yield found
