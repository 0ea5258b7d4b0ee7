"""A process in which probes say what they make of answers: `python -m station.onlooker short|long MODULE:FUNCTION`.

Without a function (an empty text) it has the probes that every station has.

It reads looks from its standard input and writes what was told of each to its standard output, one frame each, in the
order in which they came; first it writes who its probes are. It has no phone, no store and no screen, ends with its
input, and ends itself when a probe does not come through or takes too much memory.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

from drivers.api import CommandResult
from probes.api import Loaded, Measurement, Origin, Probe, discover
from station.looking import Look, ProbeBroke, Told, look_on

__all__ = ["FRAME", "identity_of", "main", "packed_look", "told_of"]

#: A frame begins with its length in bytes.
FRAME = struct.Struct(">I")
#: Bytes of address space that a process may take: some hundred times what the longest answers need.
MEMORY = 2 * 1024**3
#: How much a process for long answers gives way to others, nice(2).
LATER = 10
#: Seconds after its limit when a look ends its process by itself, should nobody be there to do it.
ORPHAN_S = 2.0


def packed(what: object) -> bytes:
    """A frame that holds it."""
    data = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
    return FRAME.pack(len(data)) + data


def packed_look(look: Look, limit_s: float) -> bytes:
    """The frame that asks about a look. Answers go as bare tuples, which takes a fifth of the time."""
    return packed((look.probe, look.settings, look.ticket, [tuple(each) for each in look.answers], limit_s))


def packed_told(told: Told) -> bytes:
    """The frame that tells of one; what probes say most goes as a bare tuple of texts."""
    return packed(([_bare(each) for each in told.readings], told.error, told.more))


def _bare(reading: object) -> object:
    if type(reading) is Measurement and type(reading.value) is Decimal:
        return reading.name, str(reading.value), reading.source
    return (reading,) if type(reading) is tuple else reading  # which is no reading, and must not be taken for one


def told_of(said: Any) -> Told:
    """What a frame tells."""
    readings, error, more = said
    return Told(tuple(map(_whole, readings)), error, more)


def _whole(sent: Any) -> object:
    if type(sent) is not tuple:
        return sent
    return Measurement(sent[0], Decimal(sent[1]), sent[2]) if len(sent) > 1 else sent[0]


def identity_of(origins: Mapping[str, Origin]) -> str:
    """Which probes somebody has: two processes with the same one have the same code."""
    told = sorted((origin.module, origin.version, origin.sha256) for origin in origins.values())
    return hashlib.sha256(repr(told).encode()).hexdigest()


def main() -> None:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the engine, which ends this one with its input
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, drain = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a probe prints must not stand between the frames
    kind, factory = sys.argv[1], sys.argv[2]
    if kind == "long":  # whoever is at a phone comes before its log
        os.nice(LATER)
    loaded = _loaded(factory)
    _write(drain, packed(identity_of(loaded.origins)))
    while head := source.read(FRAME.size):
        probe, settings, ticket, answers, limit_s = pickle.loads(source.read(FRAME.unpack(head)[0]))  # noqa: S301 - ours
        look = Look(probe, settings, ticket, tuple(CommandResult(*each) for each in answers))
        signal.setitimer(signal.ITIMER_REAL, limit_s + ORPHAN_S)
        frame = _told(look, loaded.probes)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(drain, frame)


def _loaded(factory: str) -> Loaded:
    if not factory:
        return discover()
    module, _, name = factory.partition(":")
    make: Callable[[], Loaded] = getattr(importlib.import_module(module), name)
    return make()


def _told(look: Look, probes: Mapping[str, Probe]) -> bytes:
    """The frame for what is told of a look. What can't be sent is the probe's fault."""
    try:
        return packed_told(look_on(look, probes[look.probe].run))
    except Exception as error:
        return packed_told(Told(error=ProbeBroke(f"{type(error).__name__}: {error}"[:500])))


def _write(drain: BinaryIO, frame: bytes) -> None:
    drain.write(frame)
    drain.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(0)
