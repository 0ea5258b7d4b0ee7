"""Whether the NFC controller is alive: its state, and whether it comes up when it is switched on.

One parser for the dump of the NFC service, whose first lines have kept their form since Android 4. A controller that is
switched off proves nothing, so the probe switches it on through `bench.write` and sees whether it comes; what that
means is judged elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

from drivers.api import Command, Shell
from drivers.text import Words
from probes.air import AIRPLANE_ON, READ_AIRPLANE, airplane_mode, svc_unable
from probes.answers import NOT_SAID, hear_apart, hear_second_apart, reading, why_nothing
from probes.apart import apart
from probes.api import (
    Bench,
    Measurement,
    NotApplicable,
    Parsed,
    PromptTimedOut,
    Reading,
    Skipped,
    Unread,
    Write,
    parser,
    probe,
)
from probes.captured import after, flag, note, stripped_lines
from probes.cut import without_cut_value
from probes.telephony import READ_FEATURES, pm_features
from probes.units import FLAG, TEXT

__all__ = ["nfc", "nfc_controller"]

_FLAGS = {
    "mEnableP2p:": "p2p",
    "mEnableReader:": "reader",
    "mEnableHostRouting:": "host_routing",
    "mIsSecureNfcEnabled=": "secure",
    "mIsAlwaysOnSupported=": "always_on",
}
_TEXTS = {"mState=": "state", "mScreenState=": "screen_state", "mPollTech=": "poll_technologies"}
#: Values that are whole at the end of a text that was cut (AOSP NfcService.stateToString, ScreenStateHelper).
_WORDS = frozenset(
    ("on", "off", "turning off", "true", "false", "ON_UNLOCKED", "ON_LOCKED", "OFF_UNLOCKED", "OFF_LOCKED", "UNKNOWN")
)
#: Makers print a second field behind the flag, some without a blank between them.
_FLAG = re.compile("(true|false)(?= ?m[A-Z])", re.ASCII)
#: `0x20` or `2.0`: makers print the version of NFC Forum's controller interface either way, if at all.
_NCI = re.compile(
    r"\bnci[ _]?version {0,8}[:=] {0,8}(?:0x([12])([0-9])|([12])\.([0-9]))(?![0-9.])", re.ASCII | re.IGNORECASE
)
_TAG = re.compile(
    r"\b(?:uid|tag ?id) {0,8}[:=] {0,8}((?:[0-9A-Fa-f]{2}[: ]?){4,10})(?![0-9A-Fa-f])", re.ASCII | re.IGNORECASE
)


@parser("nfc")
def nfc(data: bytes) -> Parsed:
    """`dumpsys nfc`: state, screen state, what is on; where makers print them the NCI version and a tag."""
    parsed = Parsed()
    facts = parsed.facts
    lines = without_cut_value(stripped_lines(data), data, lambda value: value in _WORDS)
    for label, fact in _TEXTS.items():
        if text := next(after(lines, label), ""):
            facts[fact] = text
    if not any(line.startswith("mState=") for line in lines) or _of_a_screen(lines, facts):
        return Parsed()
    facts["present"] = True
    for label, fact in _FLAGS.items():
        said = next(after(lines, label), None)
        if said is None:
            continue
        first = _FLAG.match(said)
        if (value := flag(first[1] if first else said)) is None:
            note(parsed, fact, said, "a flag")
        else:
            facts[fact] = value
    for line in lines:
        if "nci_version" not in facts and (found := _NCI.search(line)):
            facts["nci_version"] = f"{found[1] or found[3]}.{found[2] or found[4]}"
        if "tag_id" not in facts and (found := _TAG.search(line)):
            facts["tag_id"] = re.sub("[^0-9A-F]", "", found[1].upper())
    return parsed


def _of_a_screen(lines: list[str], facts: dict[str, Any]) -> bool:
    """Whether these are the states of the display service, which are in capitals, beside nothing of NFC's own."""
    own = ("mTechMask", "mEnable", "mIsZeroClick", "mIsSecureNfc", "mNfcPolling", "mP2pLink")
    return str(facts.get("state", "")).isupper() and not any(line.startswith(own) for line in lines)


_READ = Command("nfc", "dumpsys nfc", timeout_s=10.0, limit=2 * 1024 * 1024)
#: Seconds between looks while the controller starts.
_LOOK_S = 0.5

_NO_NFC = Words("the phone says that it is built without NFC", "手机声明其出厂不带 NFC")
_ON = Words("switches NFC on and back off", "打开 NFC 后再关闭")
_NO_TAG_NAMED = Words(
    "the checklist names no tag of the bench (setting “tag”)", "检测清单未指定工位标签（设置项“tag”）"
)
_TAG_UNSEEN = Words(
    "this phone's dump does not tell which tag was read; hold the tag to its back and see whether the phone reacts",
    "此手机的系统信息不显示读到的标签；请将标签贴近手机背面，看手机有无反应",
)
_OFF = Words(
    "NFC is off; let it be switched on, or turn it on and run this again", "NFC 已关闭；请允许打开，或打开后重测"
)
_CANT_SWITCH = Words(
    "this Android's shell can't switch NFC; switch it on in the settings and run this again",
    "此安卓版本无法通过命令开关 NFC；请在设置中打开后重测",
)


@probe(
    "android.nfc",
    needs=Shell,
    reads=(_READ, READ_FEATURES, READ_AIRPLANE),
    measures={"nfc_state": TEXT, "nfc_alive": FLAG, "nci_version": TEXT, "tag_read": FLAG},
    names={
        "nfc_state": Words("state", "状态"),
        "nfc_alive": Words("controller alive", "控制器正常"),
        "nci_version": Words("NCI version", "NCI 版本"),
        "tag_read": Words("bench tag read", "读到工位标签"),
    },
    repeatable=False,
    writes=Words("NFC on, where it is off", "开启 NFC（如已关闭）"),
    unverified=True,
)
async def nfc_controller(bench: Bench, *, tag: str = "", wait_s: int = 20) -> AsyncIterator[Reading]:
    """Whether the NFC controller is up, or comes up when it is switched on; it is left as it was found.

    Settings: `tag`, the id of the bench's tag that lies at the phone (hexadecimal), for phones whose dump tells it;
    `wait_s`, the longest wait for the controller in seconds.
    """
    said = await hear_apart(bench, _READ, nfc)
    features = await hear_second_apart(bench, READ_FEATURES, pm_features)
    if features.get("has_nfc") is False and not said.facts:
        raise NotApplicable(_NO_NFC)
    yield reading("nfc_state", said, "state", words="mState")
    if said.get("state") == "off":
        async for one in _woken(bench, wait_s):
            yield one
    elif said.get("state") == "on":
        yield Measurement("nfc_alive", True, "dumpsys nfc: mState")
    else:
        yield Unread("nfc_alive", NOT_SAID if said.facts else said.reason("state"), said.source)
    yield reading("nci_version", said, "nci_version")
    for one in _tag(tag.upper(), said.get("tag_id")):
        yield one


def _tag(wanted: str, seen: str | None) -> Iterator[Reading]:
    if not wanted or seen is None:
        yield Unread("tag_read", _TAG_UNSEEN if wanted else _NO_TAG_NAMED, "dumpsys nfc")
    else:
        yield Measurement("tag_read", seen == re.sub("[^0-9A-F]", "", wanted), "dumpsys nfc")


async def _woken(bench: Bench, wait_s: int) -> AsyncIterator[Reading]:
    """Whether a controller that is off comes up; raises the DriverError of a broken link."""
    source = "svc nfc enable, then dumpsys nfc: mState"
    if airplane_mode(bench):
        yield Unread("nfc_alive", AIRPLANE_ON, source)
        return
    try:
        told = await bench.write(Write("nfc-on", _ON, do="svc nfc enable", undo="svc nfc disable"))
    except (Skipped, PromptTimedOut):
        yield Unread("nfc_alive", _OFF, source)
        return
    if told.failure is not None:
        raise told.failure
    if svc_unable(told) or told.exit_code not in (0, None):
        yield Unread("nfc_alive", _CANT_SWITCH if svc_unable(told) else why_nothing(told), source)
        return
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    yield Measurement("nfc_alive", await _comes_up(shell, wait_s), source)


async def _comes_up(shell: Shell, wait_s: int) -> bool:
    clock = asyncio.get_running_loop().time
    start = clock()
    while clock() - start < wait_s:
        said = await shell.run(_READ.script, deadline_s=_READ.timeout_s, limit=_READ.limit)
        if said.failure is not None:
            raise said.failure
        if (await apart(nfc, said.stdout)).facts.get("state") == "on":
            return True
        await asyncio.sleep(_LOOK_S)
    return False
