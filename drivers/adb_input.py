"""The lines of `getevent -t` as input events. Pure; must not know sockets.

The numeric form is read, not the labelled one: labels differ between Android versions, the kernel's numbers do not.
"""

from __future__ import annotations

import re

from drivers import adb_errors
from drivers.adb_wire import ShellStream
from drivers.api import InputEvent, Side
from drivers.api import Refused as _Refused
from drivers.text import Words

__all__ = ["GETEVENT", "GETEVENT_ON_TERMINAL", "EventReader", "parse_event"]

#: Over shell v2. The shell waits for the bench to close its end and then ends `getevent`, which would otherwise live on
#: until the next event: a closed pipe is noticed only by writing to it. The one who waits lets go of the outputs by
#: `exec`: a redirection of the whole group would leave mksh a saved copy, and the stream would never end.
GETEVENT = "exec 3<&0;getevent -t 3<&- & a_p=$!;(exec <&3 >/dev/null 2>&1;read -r a_x;kill $a_p) & exec 3<&-;wait $a_p"
#: Before Android 7, where the service has a terminal whose hang-up ends what runs in it.
GETEVENT_ON_TERMINAL = "getevent -t"

# getevent.c of AOSP: "[%8ld.%06ld] ", then the device's path, then "%04x %04x %08x".
_EVENT = re.compile(
    r"\[ *(\d{1,12})\.(\d{6})\] (/dev/input/event\d{1,5}): ([0-9a-f]{4}) ([0-9a-f]{4}) ([0-9a-f]{8})", re.ASCII
)
_MAX_LINE = 4096


def parse_event(line: str) -> InputEvent | None:
    """The event in one line, or None when the line is anything else."""
    found = _EVENT.fullmatch(line.strip())
    if found is None:
        return None
    value = int(found[6], 16)
    return InputEvent(
        time_s=int(found[1]) + int(found[2]) / 1e6,
        device=found[3],
        type=int(found[4], 16),
        code=int(found[5], 16),
        value=value - 0x1_0000_0000 if value & 0x8000_0000 else value,
    )


class EventReader:
    """Takes what arrives and gives the events in it; `framed` for shell v2, else a terminal's bare lines."""

    def __init__(self, *, framed: bool) -> None:
        self._stream = ShellStream() if framed else None
        self._rest = b""
        self._stderr = b""

    def feed(self, data: bytes) -> list[InputEvent]:
        """The events whose lines are complete by now.

        Raises:
            Garbled: a line without an end, or a broken frame.
            Refused: `getevent` ended: it may not, or is not there.
        """
        for number, piece in self._stream.feed(data) if self._stream else [(1, data)]:
            if number == 1:
                self._rest += piece
            else:
                self._stderr = (self._stderr + piece)[:_MAX_LINE]
        *lines, self._rest = self._rest.split(b"\n")
        if len(self._rest) > _MAX_LINE:
            raise adb_errors.garbled("getevent line")
        events = [event for line in lines if (event := parse_event(line.decode("ascii", "replace")))]
        if self._stream is not None and self._stream.exit_code is not None and not events:
            raise _ended(self._stderr.decode("utf-8", "replace"))
        return events


def _ended(said: str) -> _Refused:
    return _Refused(
        "adb.getevent-ended",
        Words("The phone does not show its input events: {said}", "手机不提供输入事件：{said}").fill(said=said or "-"),
        Side.PHONE,
        Words("Do this check by hand.", "请手动完成此项检测。"),
    )
