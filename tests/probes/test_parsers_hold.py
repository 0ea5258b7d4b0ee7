"""What holds for every parser: it never raises, never invents, gives JSON, takes time in proportion to its input."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phone_outputs import GROWING, NUMBERED, OUTPUTS, UNFRAMED
from probe_bench import LOADED

from probes.api import Parsed
from probes.captured import fold_json

KINDS = sorted(OUTPUTS)
CASES = [(kind, text.encode()) for kind in KINDS for text in OUTPUTS[kind]]

#: Facts that grow with what was printed so far.
COUNTS = {
    "prop_count", "list_count", "listed", "list_complete", "devices", "device_list", "events", "died_client_events",
    "providers", "facings", "feature_count", "phones", "entries", "su_present", "su_places", "sensor_service_ok",
    *GROWING,
}  # fmt: skip
#: The list of features has no end mark: what is not listed yet reads as not there, as the format has it.
OPEN_ENDED = {"pm_features"}


def parse(kind: str, data: bytes) -> Parsed:
    parsed = LOADED.parsers[kind].parse(data)
    json.dumps(fold_json(parsed.facts), allow_nan=False)
    assert all(problem.what and problem.why for problem in parsed.problems)
    return parsed


def test_every_parser_has_an_output_here() -> None:
    own = {kind for kind, one in LOADED.parsers.items() if one.parse.__module__.startswith("probes.")}
    assert own == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "nothing",
    [
        b"",
        b"\n \r\n\t\n",
        b"Can't find service: xyz\n",
        b"Permission Denial: can't dump Xyz from pid=1, uid=2000\n",
        b"/system/bin/sh: xyz: inaccessible or not found\n",
        b"\xff\xfe\x00\x01",
    ],
)
def test_output_without_the_format_states_nothing(kind: str, nothing: bytes) -> None:
    facts = parse(kind, nothing).facts
    assert not {fact: value for fact, value in facts.items() if value not in ([], None)}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_without_an_exception(kind: str, data: bytes) -> None:
    parse(kind, data)


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_damaged_output_is_read_without_an_exception(data: st.DataObject) -> None:
    kind, good = data.draw(st.sampled_from(CASES))
    at = data.draw(st.integers(0, len(good)))
    gone = data.draw(st.integers(0, 40))
    put = data.draw(
        st.one_of(st.binary(max_size=20), st.sampled_from([b"\r", b"9" * 5000, b"]: [", b"\x1b[2J", b"0x"]))
    )
    parse(kind, good[:at] + put + good[at + gone :])


@pytest.mark.parametrize(("kind", "good"), CASES)
def test_a_cut_at_the_end_of_any_line_changes_no_fact_that_is_still_stated(kind: str, good: bytes) -> None:
    whole = parse(kind, good).facts
    if (
        kind in OPEN_ENDED or good == OUTPUTS["power_supply"][1].encode()
    ):  # its first section stands until the battery's
        return
    lines = good.splitlines(keepends=True)
    for count in range(len(lines)):
        cut = parse(kind, b"".join(lines[:count])).facts
        changed = {fact: value for fact, value in cut.items() if fact not in COUNTS and value != whole.get(fact)}
        assert not changed, f"after {count} lines"


@pytest.mark.parametrize(("kind", "good"), CASES)
@pytest.mark.parametrize("ends", [b"\r\n", b"\r\r\n", b"   \n"])
def test_line_ends_and_trailing_blanks_change_nothing(kind: str, good: bytes, ends: bytes) -> None:
    assert parse(kind, good.replace(b"\n", ends)).facts == parse(kind, good).facts


@pytest.mark.parametrize(("kind", "good"), CASES)
def test_prompts_and_the_framing_of_a_bug_report_change_nothing(kind: str, good: bytes) -> None:
    if kind in UNFRAMED:
        return
    framed = (
        b"phone:/ $ dumpsys xyz\r\n------ XYZ (dumpsys xyz) ------\nDUMP OF SERVICE xyz:\n"
        + good
        + b"--------- 0.020s was the duration of dumpsys xyz, ending at: 2024-01-02 03:04:05\n"
        + b"------ 0.031s was the duration of 'XYZ' ------\n"
    )
    inside, alone = parse(kind, framed).facts, parse(kind, good).facts
    assert inside.keys() == alone.keys()
    assert {f: v for f, v in inside.items() if f not in NUMBERED} == {
        f: v for f, v in alone.items() if f not in NUMBERED
    }


@pytest.mark.parametrize(("kind", "good"), CASES)
def test_what_is_printed_twice_counts_once(kind: str, good: bytes) -> None:
    counts = COUNTS | {"current_now_second"}
    once, twice = parse(kind, good).facts, parse(kind, good + good).facts
    assert {f: v for f, v in twice.items() if f not in counts} == {f: v for f, v in once.items() if f not in counts}


HOSTILE = [
    b"[" * 600_000,
    b" " * 600_000,
    b"ac:" * 200_000,
    b"status:" * 100_000,
    b"SSID: " + b", BSSID: " * 70_000 + b", Supplicant state: ",
    b"last known state:\n  Phone Id=0\nmSignalStrength=" + b"CellSignalStrengthLte:" * 30_000,
    b"last known state:\n  Phone Id=0\nmServiceState={mVoiceRegState=0" + b"mVoiceOperatorAlphaLong=, a" * 30_000,
    b"pid: 1, tid: 1, name: " + b" " * 600_000,
    b"pid: 1, tid: 1, name: " + b">>> " * 150_000,
    b"Sensor List:\n" + b"0x00000001) a|" + b"| type: " * 60_000 + b"\n",
    b"Sensor List:\n" + b"a|b|c\n" * 60_000,
    b"getHealthInfo -> HealthInfo{" + b"battery" * 80_000,
    b"Result: Parcel(" + b"00000000 " * 60_000,
    b"add device 1: /dev/input/event1\n    KEY (0001): " + b"0072 " * 100_000,
    b"add device 1: /dev/input/event1\n" * 20_000,
    b"Phone Id=0\n" * 50_000,
    b"[a]: [\n" * 80_000,
    b"/dev/block/x\n" * 50_000,
]


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_half_megabytes_take_time_in_proportion(kind: str) -> None:
    # All together about 10 MB; anything that grows with the square of a line takes minutes.
    started = time.process_time()
    for data in HOSTILE:
        parse(kind, data)
    assert time.process_time() - started < 30


@pytest.mark.parametrize(
    ("kind", "data", "fact", "value"),
    [
        (  # 40 000 sensors of different names
            "sensor_events",
            b"Sensor List:\n"
            + b"".join(b"0x%08x) s%d | v | ver: 1 | type: a.b(1) |\n" % (n, n) for n in range(40_000))
            + b"Active sensors:\ns7 (handle=0x00000007, connections=1)\n",
            "active",
            ["s7"],
        ),
        (
            "getevent",
            b"add device 1: /dev/input/event1\n" + (b"[ 1.1]" + b" " * 30_000 + b"x\n") * 10 + b'  name: "keys"\n',
            "device_list",
            [{"path": "/dev/input/event1", "name": "keys", "keys": [], "held": []}],
        ),
        (
            "saved_network_names",
            b"Network Id   SSID   Security type\n"
            + (b"1" + b" " * 30_000 + b"x" + b"\n") * 4
            + b"2   Bench    wpa2-psk\n",
            "networks",
            ["Bench"],
        ),
        ("telephony_registry", b"Phone Id=0\nmCallState=2\nx" + b"x" * 32_000 + b")", "phone0_call_state", 2),
        (
            "media_camera",
            b"Number of camera devices: 2\n" + (b"== Camera Provider HAL " + b"a-" * 16_000 + b"\n") * 20,
            "camera_count",
            2,
        ),
        ("media_camera", b"Number of camera devices: 2\n" + b"\n" * 3_000_000, "camera_count", 2),
        ("display", b"".join(b'DisplayDeviceInfo{"%d": 1 x 2}\n' % n for n in range(30_000)), "name", "0"),
    ],
)
def test_texts_that_once_held_a_parser_for_long_are_read(kind: str, data: bytes, fact: str, value: object) -> None:
    assert parse(kind, data).facts[fact] == value
