"""What is said of a phone's sound path: well, without outputs, turned down, and of one that may not be looked at."""

from __future__ import annotations

import outputs_ports as out
import pytest
from probe_bench import no_answer, result, run

from drivers.api import NoAnswer

ANSWERS = {"audio-flinger": out.FLINGER, "audio": out.AUDIO, "audio-policy": out.POLICY}


async def test_outputs_devices_and_what_is_turned_down_are_told() -> None:
    readings = await run("android.audio-path", ANSWERS)
    assert (readings.value("output_threads"), readings.value("input_threads")) == (2, 1)
    assert readings.value("write_blocked") is True  # one of the two hangs
    assert readings.value("turned_down") == ("ring: muted", "music: volume 0", "ringer: VIBRATE")
    assert readings.value("audio_devices") == ("out:EARPIECE", "out:SPEAKER", "in:BUILTIN_MIC")
    assert (readings.value("earpiece_listed"), readings.value("microphone_listed")) == (True, True)


async def test_a_sound_server_without_outputs_is_told() -> None:
    text = "Hardware status: 0\nStandby Time mSec: 3000\n"
    assert (await run("android.audio-path", ANSWERS | {"audio-flinger": text})).value("output_threads") == 0


async def test_a_part_that_the_policy_does_not_list_is_missing() -> None:
    readings = await run("android.audio-path", ANSWERS | {"audio-policy": out.POLICY_OLD})
    assert (readings.value("speaker_listed"), readings.value("earpiece_listed")) == (True, False)


async def test_a_policy_without_a_list_leaves_the_devices_open() -> None:
    readings = await run("android.audio-path", ANSWERS | {"audio-policy": "AudioPolicyManager: 0x1\n Phone state: 0\n"})
    assert {"speaker_listed", "earpiece_listed", "microphone_listed"} <= readings.unread.keys()


async def test_a_sound_server_that_is_gone_measures_nothing() -> None:
    readings = await run(
        "android.audio-path", {"audio-flinger": result(stderr="Can't find service: media.audio_flinger\n")}
    )
    assert not readings.measured
    assert "no such service" in readings.unread["output_threads"].reason.en


async def test_a_dump_that_is_not_whole_is_the_benchs_trouble() -> None:
    with pytest.raises(NoAnswer):
        await run("android.audio-path", ANSWERS | {"audio-flinger": result(failure=no_answer())})


@pytest.mark.parametrize(
    "mark",
    [
        "*** SERVICE 'media.audio_flinger' DUMP TIMEOUT (10000ms) EXPIRED ***",  # Android 9 and later
        "*** SERVICE DUMP TIMEOUT EXPIRED ***",  # Android 7
    ],
)
async def test_a_dump_that_its_service_never_finished_is_not_read_as_a_short_one(mark: str) -> None:
    cut = f"Libraries NOT present\nHardware status: 0\n\n{mark}\n\n"
    readings = await run("android.audio-path", ANSWERS | {"audio-flinger": cut})
    assert "did not answer its own dump" in readings.unread["output_threads"].reason.en
    assert "DUMP TIMEOUT" in readings.unread["output_threads"].reason.zh
    assert "output_threads" not in readings.measured
