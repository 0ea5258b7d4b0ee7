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
from typing import BinaryIO

from probes.api import Loaded, Origin, Probe, discover
from station.looking import Look, ProbeBroke, Told, look_on

__all__ = ["FRAME", "identity_of", "main", "packed"]

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
        look, limit_s = pickle.loads(source.read(FRAME.unpack(head)[0]))  # noqa: S301 - the engine wrote it
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
        return packed(look_on(look, probes[look.probe].run))
    except Exception as error:
        return packed(Told(error=ProbeBroke(f"{type(error).__name__}: {error}"[:500])))


def _write(drain: BinaryIO, frame: bytes) -> None:
    drain.write(frame)
    drain.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(0)
