"""`getevent` lines, strict: what is no event gives none."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.adb_input import GETEVENT, EventReader, parse_event
from drivers.api import Garbled, InputEvent, Refused

LINE = "[   73281.512807] /dev/input/event2: 0001 0074 00000001"


def test_an_event_line_is_read_with_the_kernels_numbers() -> None:
    assert parse_event(LINE) == InputEvent(73281.512807, "/dev/input/event2", 1, 0x74, 1)


def test_values_are_signed() -> None:
    event = parse_event("[       1.000001] /dev/input/event0: 0003 0035 ffffffff")
    assert event is not None
    assert event.value == -1


@pytest.mark.parametrize(
    "line",
    [
        "",
        "add device 1: /dev/input/event0",
        '  name:     "gpio-keys"',
        "could not get driver version for /dev/input/mouse0, Not a typewriter",
        "[   73281.512807] /dev/input/event2: EV_KEY       KEY_POWER            DOWN",
        "/dev/input/event2: 0001 0074 00000001",
        "[   73281.512807] /dev/input/event2: 0001 0074 0000001",
        "[   73281.512807] /dev/input/event2: 0001 0074 00000001 more",
        "[   73281.512807] /dev/../etc: 0001 0074 00000001",
        "[   ٧٣٢٨١.512807] /dev/input/event2: 0001 0074 00000001",
    ],
)
def test_any_other_line_is_no_event(line: str) -> None:
    assert parse_event(line) is None


@given(st.lists(st.integers(0, 120), max_size=6))
def test_events_are_the_same_however_the_stream_is_chopped(cuts: list[int]) -> None:
    data = (f"add device 1: /dev/input/event2\r\n{LINE}\r\n" * 2).encode()
    reader, events, at = EventReader(framed=False), [], 0
    for cut in [*sorted(cuts), len(data)]:
        events += reader.feed(data[at:cut])
        at = max(at, cut)
    assert events == [parse_event(LINE)] * 2


@given(st.binary(max_size=500))
def test_garbage_is_no_event_and_raises_nothing_but_garbled(data: bytes) -> None:
    for framed in (True, False):
        try:
            EventReader(framed=framed).feed(data)
        except (Garbled, Refused):
            continue


def test_a_line_without_an_end_is_garbled_before_it_fills_the_memory() -> None:
    reader = EventReader(framed=False)
    assert reader.feed(b"x" * 4000) == []
    with pytest.raises(Garbled):
        reader.feed(b"x" * 1000)


def test_a_getevent_that_ends_says_why() -> None:
    said = b"could not open /dev/input/event0, Permission denied"
    with pytest.raises(Refused) as caught:
        EventReader(framed=True).feed(
            struct.pack("<BI", 2, len(said)) + said + struct.pack("<BI", 3, 1) + b"\x01",
        )
    assert "Permission denied" in caught.value.what.en
    assert "Permission denied" in caught.value.what.zh


@pytest.mark.parametrize("shell", ["mksh", "dash", "bash"])
@pytest.mark.parametrize("ending", ["the bench closes its end", "getevent ends"])
def test_nothing_of_a_stream_stays_on_the_phone(tmp_path: Path, shell: str, ending: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no shell here named {shell}")
    getevent = tmp_path / "getevent"
    getevent.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/pid\necho ready\nexec sleep 30\n")
    getevent.chmod(0o755)
    process = subprocess.Popen(
        [program, "-c", GETEVENT],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    overdue = threading.Timer(10, os.killpg, (process.pid, signal.SIGKILL))
    overdue.start()
    try:
        assert process.stdout.readline() == b"ready\n"
        pid = int((tmp_path / "pid").read_text())
        began = time.monotonic()
        if ending == "getevent ends":
            os.kill(pid, signal.SIGTERM)
        else:
            process.stdin.close()
        process.stdout.read()  # adbd says the exit code when nobody holds the output any more
        assert process.wait(timeout=10) == 128 + signal.SIGTERM
        assert time.monotonic() - began < 5.0
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    finally:
        overdue.cancel()
        process.stdin.close()
        process.stdout.close()
