"""A process in which probes say what they make of answers; `station.onlookers` starts it and speaks with it.

It reads looks from its standard input and writes what was told of each to its standard output, one frame each, in the
order in which they came; first it writes which probes it has. It has no phone, no store and no screen, ends with its
input, and ends itself when a probe does not come through. What it writes is made of plain values alone: the engine
must be able to read it whatever a probe or a phone put into it.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import drivers.api as drivers_api
from drivers.api import CommandResult, DriverError, Side
from drivers.text import Words
from probes.api import (
    Evidence,
    Loaded,
    Measurement,
    NotApplicable,
    NotRun,
    Origin,
    Probe,
    PromptTimedOut,
    Skipped,
    Unread,
    discover,
)
from station.looking import Look, NoReading, ProbeBroke, Told, look_on, said_of

__all__ = ["FRAME", "MOST_BYTES", "identity_of", "main", "packed_look", "plain", "told_of"]

#: A frame begins with its length in bytes; what is told is not longer than this: three times the longest answers that
#: one check may have (`android.crashes`, 19 MB).
FRAME = struct.Struct(">I")
MOST_BYTES = 64 * 1024 * 1024
#: Bytes of address space that a process may take: some hundred times what the longest answers need.
MEMORY = 2 * 1024**3
#: How much a process for long answers gives way to others, nice(2).
LATER = 10
#: Seconds after its limit when a look ends its process by itself, should nobody be there to do it.
ORPHAN_S = 2.0
_NOT_RUN: tuple[type[NotRun], ...] = (PromptTimedOut, Skipped, NotApplicable, NotRun)


# --- what is sent ----------------------------------------------------------------------------------------------------


def _framed(what: object) -> bytes:
    data = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
    return FRAME.pack(len(data)) + data


def packed_look(serial: int, look: Look, limit_s: float) -> bytes:
    """The frame that asks about a look. Answers go as bare tuples, which takes a fifth of the time."""
    try:
        answers = [(*each[:7], _error_sent(each.failure)) for each in look.answers]
        return _framed((serial, look.probe, dict(look.settings), dict(look.ticket), answers, limit_s))
    except Exception as error:
        return _framed((serial, "", said_of(error), {}, [], limit_s))


def _packed_told(serial: int, told: Told) -> bytes:
    frame = _framed((serial, [_sent(each) for each in told.readings], _error_sent(told.error), told.more))
    if len(frame) > MOST_BYTES:
        return _packed_told(serial, Told(error=ProbeBroke(f"it gave more than {MOST_BYTES} bytes")))
    return frame


#: Kinds of readings as they are sent.
_MEASURED, _NUMBER, _UNREAD, _EVIDENCE, _OTHER = range(5)


def _sent(reading: object) -> tuple[object, ...]:
    """A reading as plain values; what has others inside is none."""
    if type(reading) is Measurement and _is_plain(reading.name, reading.source):
        if isinstance(reading.value, Decimal):
            return _NUMBER, reading.name, str(reading.value), reading.source
        if _is_plain(reading.value):
            return _MEASURED, *reading
    if type(reading) is Unread and type(reading.reason) is Words and _is_plain(reading.name, reading.source):
        return _UNREAD, reading.name, tuple(reading.reason), reading.source
    if type(reading) is Evidence and _is_plain(*reading):
        return _EVIDENCE, *reading
    return _OTHER, type(reading).__name__


def _is_plain(*values: object) -> bool:
    kinds = (str, bool, int, float, bytes, type(None))
    return all(type(one) in kinds or (type(one) is tuple and _is_plain(*one)) for one in values)


def _error_sent(error: Exception | None) -> tuple[object, ...] | None:
    """An error by its nearest kind that everybody knows."""
    if isinstance(error, NotRun):
        kind = next(each for each in _NOT_RUN if isinstance(error, each))
        return kind.__name__, tuple(error.reason) if isinstance(error.reason, Words) else None
    if isinstance(error, DriverError):
        known = next(each for each in type(error).__mro__ if each.__module__ == drivers_api.__name__)
        what, next_step = (tuple(each) for each in (error.what, error.next_step))
        return known.__name__, str(error.code), what, str(error.side), next_step
    if isinstance(error, ProbeBroke):
        return "", *error.told
    return None if error is None else ("", said_of(error))


class _Plain(pickle.Unpickler):
    """Reads plain values and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is no plain value")


def plain(data: bytes) -> Any:
    """What a frame holds.

    Raises:
        Exception: it does not hold plain values alone.
    """
    return _Plain(io.BytesIO(data)).load()


def told_of(said: Any) -> Told:
    """What a frame tells, without its number."""
    readings, error, more = said
    return Told(tuple(map(_reading, readings)), _error(error), bool(more))


def _reading(sent: Any) -> object:
    kind, *values = sent
    if kind == _NUMBER:
        return Measurement(values[0], Decimal(values[1]), values[2])
    if kind == _MEASURED:
        return Measurement(*values)
    if kind == _UNREAD:
        return Unread(values[0], Words(*values[1]), values[2])
    return Evidence(*values) if kind == _EVIDENCE else NoReading(str(values[0]))


def _error(sent: Any) -> Exception | None:
    if sent is None:
        return None
    kind, *values = sent
    if not kind:
        return ProbeBroke(*values)
    for each in _NOT_RUN:
        if each.__name__ == kind:
            return each(Words(*values[0])) if values[0] else ProbeBroke(f"{kind} without its reason")
    code, what, side, next_step = values
    known: type[DriverError] = getattr(drivers_api, kind)
    return known(code, Words(*what), Side(side), Words(*next_step))


# --- the process -----------------------------------------------------------------------------------------------------


def identity_of(origins: Mapping[str, Origin]) -> str:
    """Which probes somebody has: two processes with the same one have the same code and tables."""
    digest = hashlib.sha256(repr(sorted((o.module, o.version, o.sha256) for o in origins.values())).encode())
    for path in _files():
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    """What probes stand on, beside the modules that are known by their origin."""
    root = Path(__file__).resolve().parent.parent
    for folder in ("drivers", "probes"):
        yield from sorted(path for path in (root / folder).rglob("*") if path.suffix in (".py", ".toml"))
    yield from (root / "station" / name for name in ("looking.py", "onlooker.py"))


def main() -> None:
    """Serve until the input ends; `sys.argv` has the kind (`short` or `long`) and a `module:function` that gives the
    probes (empty: those that every station has)."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # for the engine, which ends this one with its input
        signal.signal(each, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    kind, factory = sys.argv[1], sys.argv[2]
    _bound(later=kind == "long")
    source, drain = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a probe prints or asks must not stand between the frames
    try:
        loaded = _loaded(factory)
        _write(drain, _framed(identity_of(loaded.origins)))
        for data in _frames(source):
            _answer(drain, data, loaded.probes)
    except BrokenPipeError:
        os._exit(0)


def _bound(*, later: bool) -> None:
    """See that it can take neither all memory nor the processor from who is at a phone."""
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        within = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (within, hard))
        except (ValueError, OSError) as error:  # some systems do not have it
            sys.stderr.write(f"onlooker: no limit: {error}\n")
    if later:
        os.nice(LATER)


def _loaded(factory: str) -> Loaded:
    if not factory:
        return discover()
    module, _, name = factory.partition(":")
    make: Callable[[], Loaded] = getattr(importlib.import_module(module), name)
    return make()


def _frames(source: BinaryIO) -> Iterator[bytes]:
    """What is asked; one that was cut off is the end as well."""
    while len(head := source.read(FRAME.size)) == FRAME.size:
        data = source.read(FRAME.unpack(head)[0])
        if len(data) < FRAME.unpack(head)[0]:
            return
        yield data


def _answer(drain: BinaryIO, data: bytes, probes: Mapping[str, Probe]) -> None:
    serial, probe, settings, ticket, answers, limit_s = pickle.loads(data)  # noqa: S301 - the engine wrote it
    signal.setitimer(signal.ITIMER_REAL, limit_s + ORPHAN_S)
    if not probe:
        told = Told(error=ProbeBroke(settings))
    else:
        results = tuple(CommandResult(*each)._replace(failure=_error(each[7])) for each in answers)  # type: ignore[arg-type]
        told = look_on(Look(probe, settings, ticket, results), probes[probe].run)
    frame = _packed_told(serial, told)
    signal.setitimer(signal.ITIMER_REAL, 0)
    _write(drain, frame)


def _write(drain: BinaryIO, frame: bytes) -> None:
    drain.write(frame)
    drain.flush()
