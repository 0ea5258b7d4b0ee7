"""How worn the phone's storage chip says it is: UFS health descriptor, eMMC EXT_CSD, and the health HAL's own line.

Pure parsers. Life estimates are steps of a tenth as JEDEC defines them (JESD220 for UFS, JESD84-B51 for eMMC): 1 is up
to 10 % used, 10 up to all of it, 11 more than that; 0 is not told.
"""

from __future__ import annotations

import re

from drivers.api import Command
from probes.api import Parsed, parser
from probes.captured import integer, note, raw_lines
from probes.cut import without_cut_word

__all__ = ["READ_HEALTH_FILES", "storage_health"]


_HEADER = re.compile(r"-{3,9} (?:.{0,80}\()?(/[\w./:-]{1,200})\)? -{3,9}")
#: As mmc-utils prints it in its versions, and as kernels of makers do in /proc and debugfs.
_EXT_CSD = re.compile(
    r"\b(?:EXT_CSD_)?(DEVICE_LIFE_TIME_EST_TYP_[AB]|PRE_EOL_INFO)\]?\s{0,20}[:=]\s{0,20}(\w{1,20})",
    re.ASCII | re.IGNORECASE,
)
#: `life_time_estimation_a: 0x01`, `.../health_descriptor/eol_info:0x01`: name and value of a file on one line.
_NAMED = re.compile(
    r"(?:[\w./:-]{0,200}/)?(life_time_estimation_[abc]|eol_info)\s{0,20}[:=]\s{0,20}(\w{1,20})\b", re.ASCII
)
#: The path of a file alone on its line, its value on the next: `ls` and `cat` in one loop, or `head`.
_PATH = re.compile(
    r"(?:==> )?(?:[$#] )?(?:cat )?"
    r"([\w./:-]{0,200}(?:life_time_estimation_[abc]|/eol_info|/life_time|/pre_eol_info))(?: <==|:)?"
)
#: The files are hexadecimal also where a kernel leaves the `0x` out.
_BARE = re.compile(r"[0-9a-fA-F]{1,2}", re.ASCII)
_BYTE = re.compile(r"0x[0-9a-fA-F]{2}", re.ASCII)
_HAL = re.compile(r"\bStorageInfo\{eol: ([0-9]{1,3}), lifetimeA: ([0-9]{1,3}), lifetimeB: ([0-9]{1,3})", re.ASCII)
_LEAVES = {
    "life_time_estimation_a": "life_time_a",
    "life_time_estimation_b": "life_time_b",
    "life_time_estimation_c": "life_time_c",
    "eol_info": "eol_info",
    "pre_eol_info": "eol_info",
}
_EXT_CSD_FACTS = {
    "DEVICE_LIFE_TIME_EST_TYP_A": "life_time_a",
    "DEVICE_LIFE_TIME_EST_TYP_B": "life_time_b",
    "PRE_EOL_INFO": "eol_info",
}
#: Errors that the UFS host driver counts (kernel: drivers/ufs, err_stats); those of the link's sleep are no wear.
_ERRORS = re.compile(r"(?:fatal|dl|pa|tl|nl|dme|task_abort|host_reset|dev_reset)_(?:err_)?count")


@parser("storage_health")
def storage_health(data: bytes) -> Parsed:
    """Health files of UFS or eMMC under headers with their paths, EXT_CSD lines, or the health HAL's StorageInfo."""
    parsed = Parsed()
    path = ""
    for raw in without_cut_word(raw_lines(data), data, lambda word: _BYTE.fullmatch(word) is not None):
        line = raw.strip()
        if header := _HEADER.fullmatch(line):
            path = header[1]
        elif found := _EXT_CSD.search(line):
            _put(parsed, "eMMC", _EXT_CSD_FACTS[found[1].upper()], found[2])
        elif found := _NAMED.match(line):
            _put(parsed, "UFS", _LEAVES[found[1]], found[2])
        elif found := _PATH.fullmatch(line):
            path = found[1] if "/" in found[1] else f"/{found[1]}"
        elif found := _HAL.search(line):
            _of_hal(parsed, found)
        elif path and line and not line.startswith("-"):
            _of_file(parsed, path, line)
            path = ""
    return parsed


def _of_file(parsed: Parsed, path: str, text: str) -> None:
    """The first line below the header of a file; a refusal or an error text is put on record where it matters."""
    leaf = path.rpartition("/")[2]
    if fact := _LEAVES.get(leaf):
        _put(parsed, "eMMC" if leaf == "pre_eol_info" else "UFS", fact, text)
    elif leaf == "life_time" and len(words := text.split()) == 2:
        _put(parsed, "eMMC", "life_time_a", words[0])
        _put(parsed, "eMMC", "life_time_b", words[1])
    elif (leaf == "model" and "/block/" in path) or (leaf == "name" and "/mmc" in path):
        parsed.facts.setdefault("model", text)
    elif _ERRORS.fullmatch(leaf) and (count := integer(text)) is not None and count >= 0:
        parsed.facts.setdefault("errors", {}).setdefault(leaf, count)


def _put(parsed: Parsed, kind: str, fact: str, text: str) -> None:
    value = int(text, 16) if _BARE.fullmatch(text) else integer(text)
    if value is None:
        note(parsed, fact, text, "a number")
    elif 0 <= value <= 255:  # one byte of the descriptor
        parsed.facts.setdefault("type", kind)
        parsed.facts.setdefault(fact, value)
    else:
        note(parsed, fact, text, "one byte")


def _of_hal(parsed: Parsed, found: re.Match[str]) -> None:
    """AOSP's StorageInfo as AIDL prints it; all zero means that the HAL knows nothing."""
    eol, first, second = (int(text) for text in found.groups())
    for fact, value in (("hal_eol_info", eol), ("hal_life_time_a", first), ("hal_life_time_b", second)):
        if value:
            parsed.facts.setdefault(fact, value)


#: The places where kernels of Qualcomm, Google, Samsung, MediaTek and HiSilicon keep the files; most phones close them
#: to the shell. Only those that are there are named, so that a refusal can be told from a missing file.
READ_HEALTH_FILES = Command(
    "storage-health",
    "for f in /dev/sys/block/bootdevice/health_descriptor/* /sys/devices/platform/soc/*.ufshc/health_descriptor/*"
    " /sys/devices/platform/*.ufs/health_descriptor/* /sys/devices/platform/soc/*.ufshci/health_descriptor/*"
    " /dev/sys/block/bootdevice/err_stats/*_count /sys/devices/platform/*.ufs/err_stats/*_count"
    " /sys/class/mmc_host/mmc0/mmc0:*/life_time /sys/class/mmc_host/mmc0/mmc0:*/pre_eol_info"
    " /sys/class/mmc_host/mmc0/mmc0:*/name /sys/block/sda/device/model;"
    ' do [ -e "$f" ] || continue; echo "------ ($f) ------"; cat "$f" 2>&1; done',
    timeout_s=10.0,
    limit=64 * 1024,
)
