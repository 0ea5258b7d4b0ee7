"""What the USB port's check says when bytes arrive, change, or can't be sent, and what it reads of the link."""

from __future__ import annotations

import hashlib

import outputs_ports as out
import pytest
from ports_bench import FakeFiles, bench
from probe_bench import Readings, no_answer, result, run_on

from drivers.api import Garbled, NoAnswer, Side
from drivers.text import Words
from probes.usb_port import PATH

CHANGED = Garbled("adb.file-differs", Words("differs", "不一致"), Side.CABLE, Words("again", "重试"))


async def usb(files: FakeFiles | None = None, hash_: str = "", **reads: str) -> Readings:
    files = files or FakeFiles()

    def says(script: str) -> str:
        return f"{hash_ or hashlib.sha256(files.stored[PATH]).hexdigest()}  -\n"

    answers = {
        "usb": out.USB,
        "usb-files": out.USB_FILES,
        **{name.replace("_", "-"): one for name, one in reads.items()},
    }
    return await run_on("android.usb-port", bench(says, answers, files=files), size_kib=64)


async def test_bytes_that_come_back_as_they_were_pass_with_link_role_and_orientation() -> None:
    readings = await usb()
    assert (readings.value("to_phone_equal"), readings.value("from_phone_equal")) == (True, True)
    assert (readings.value("link_speed"), readings.value("best_speed")) == (480, 5000)
    assert (readings.value("orientation"), readings.value("roles")) == ("reverse", "sink, device")
    assert (readings.value("contaminant"), readings.value("configured")) == ("not-detected", True)
    assert readings.value("compliance_warnings") == ()


async def test_bytes_that_changed_on_the_way_to_the_phone_are_told() -> None:
    readings = await usb(FakeFiles(pushing=CHANGED, stored={PATH: b""}))
    assert readings.value("to_phone_equal") is False
    assert (await usb(hash_="0" * 64)).value("to_phone_equal") is False


async def test_bytes_that_changed_on_the_way_back_are_told() -> None:
    readings = await usb(FakeFiles(spoil=lambda data: b"\0" + data[1:]))
    assert (readings.value("to_phone_equal"), readings.value("from_phone_equal")) == (True, False)


async def test_a_link_that_breaks_is_the_benchs_trouble() -> None:
    with pytest.raises(NoAnswer):
        await usb(FakeFiles(pushing=no_answer()))


@pytest.mark.parametrize("changed", [False, True])
async def test_without_a_hash_program_only_what_came_back_whole_proves_both_ways(changed: bool) -> None:
    files = FakeFiles(spoil=(lambda data: b"\0" + data[1:]) if changed else lambda data: data)
    given = bench(lambda script: "sh: sha256sum: not found\n", {"usb": out.USB_INDENTED}, files=files)
    readings = await run_on("android.usb-port", given, size_kib=4)
    assert readings.value("from_phone_equal") is not changed
    if changed:
        assert "no program that makes a hash" in readings.unread["to_phone_equal"].reason.en
    else:
        assert readings.value("to_phone_equal") is True
    assert readings.value("roles") == "sink, device"


async def test_a_port_that_tells_no_speed_and_no_moisture_leaves_them_unread() -> None:
    readings = await usb(usb_files="", usb=out.USB_INDENTED)
    assert {"link_speed", "orientation", "contaminant"} <= readings.unread.keys()
    assert readings.value("configured") is True


async def test_moisture_in_the_port_is_what_the_phone_says() -> None:
    assert (await usb(usb=out.USB.replace("not-detected", "detected"))).value("contaminant") == "detected"


async def test_an_unknown_speed_of_the_kernel_is_no_speed() -> None:
    files = out.USB_FILES.replace("high-speed", "UNKNOWN")
    assert "link_speed" in (await usb(usb_files=files)).unread


async def test_a_dump_that_is_not_whole_is_the_benchs_trouble() -> None:
    with pytest.raises(NoAnswer):
        await run_on("android.usb-port", bench(lambda script: "", {"usb": result(failure=no_answer())}))
