"""How a probe is written, found and called.

A probe looks at one thing through the capabilities of a device and yields what it measured, what it could not read and
why, and raw evidence. It knows no limit, no verdict and no screen. A parser is a pure function of bytes that never
raises. Standard library and `drivers.api` only.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol, TypeVar

from drivers.api import Command, CommandResult
from drivers.text import Words
from probes.names import call
from probes.units import KINDS, UNITS

__all__ = [
    "Answer",
    "Bench",
    "Choice",
    "Evidence",
    "Loaded",
    "Measurement",
    "NotApplicable",
    "NotRun",
    "Origin",
    "Parsed",
    "Parser",
    "Person",
    "Probe",
    "ProbeFunction",
    "Problem",
    "Prompt",
    "PromptKind",
    "PromptTimedOut",
    "Reading",
    "Setting",
    "Skipped",
    "Unread",
    "Value",
    "Write",
    "discover",
    "parser",
    "probe",
]

#: What a measurement may hold. Numbers are exact decimals: records hold integers and powers of ten, no binary floats.
Value = Decimal | bool | str | tuple[str, ...]


class Measurement(NamedTuple):
    """One thing that was measured.

    Attributes:
        name: as declared in the probe's `measures`.
        value: a `Decimal`, `bool`, `str` or tuple of `str`, as the declared unit asks.
        source: where it came from, e.g. `dumpsys battery: level`.
    """

    name: str
    value: Value
    source: str = ""


class Unread(NamedTuple):
    """A declared measurement that could not be had, and why. It is never a zero and never a fail."""

    name: str
    reason: Words
    source: str = ""


class Evidence(NamedTuple):
    """Raw bytes kept as seen."""

    name: str
    data: bytes
    media_type: str = "text/plain"


Reading = Measurement | Unread | Evidence


class NotRun(Exception):
    """The probe ends here without a verdict; `reason` says why in every language."""

    def __init__(self, reason: Words) -> None:
        super().__init__(reason.en)
        self.reason = reason


class NotApplicable(NotRun):
    """The phone's own evidence shows that it has no such part."""


class Skipped(NotRun):
    """A person chose not to do it."""


class PromptTimedOut(NotRun):
    """Nobody answered in time."""


class PromptKind(StrEnum):
    """How an answer is given."""

    CHOICE = "choice"  # one of `choices`
    VERDICT = "verdict"  # + good, - bad, 0 not applicable
    TEXT = "text"  # typed or scanned
    WAIT = "wait"  # nothing to answer: do something and the probe sees it; only skipping is possible


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer: `value` is recorded, `label` is shown, `key` is the key to press."""

    value: str
    label: Words
    key: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question to a person. What the right answer is never travels with it.

    Attributes:
        id: names the prompt inside the check, e.g. `volume-up`.
        kind: how it is answered.
        title: one line.
        steps: what to do, in order.
        choices: for `CHOICE`.
        timeout_s: seconds until the prompt ends unanswered; no answer is never a pass.
    """

    id: str
    kind: PromptKind
    title: Words
    steps: tuple[Words, ...] = ()
    choices: tuple[Choice, ...] = ()
    timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said: `value` of the choice, `good`/`bad` for a verdict, or the text; `note` is free text."""

    prompt: str
    value: str
    person: str
    note: str = ""


class Person(Protocol):
    """Who is asked. On the screen it is a panel, on the command line a file or a question, in a test a script."""

    async def ask(self, prompt: Prompt) -> Answer:
        """Ask and wait; raises `Skipped` or `PromptTimedOut`. Cancelling takes the prompt away."""
        ...


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Write:
    """One change on the phone, with the way back.

    Attributes:
        name: names the change inside the probe; `[a-z0-9-]+`.
        what: what is changed, as the person reads it before agreeing.
        do, undo: one line each for the phone's own shell; safe to run twice, for a cable may fall out in between.
            `undo` restores what was there before, which the probe has read first.
    """

    name: str
    what: Words
    do: str
    undo: str


class Bench(Protocol):
    """What a running probe may use."""

    person: Person
    #: What the ticket says of the phone (`serial`, `imei`, `model`, ...), as far as known.
    ticket: Mapping[str, str]

    def answer(self, name: str) -> CommandResult:
        """The answer to a read that the probe declared; it may be incomplete (`failure`)."""
        ...

    def capability(self, kind: type[T]) -> T:
        """A capability of the device, one that the probe declared in `needs`."""
        ...

    async def write(self, write: Write, *, deadline_s: float = 15.0) -> CommandResult:
        """Change something on the phone, with consent; it is undone when the attempt ends, in whatever way.

        The undo is written down before the change is made, and made up for when the phone comes back. What the shell
        answered is the result; a trouble of the cable is in its `failure`. Raises `Skipped` when nobody agrees.
        """
        ...

    def away(self) -> AbstractContextManager[None]:
        """Inside it the phone may leave the cable (a plug turned over, a restart) without ending the run."""
        ...

    async def back(self, *, within_s: float) -> None:
        """Wait until the phone answers again, inside `away`; capabilities from before are not good any more.

        Raises:
            DeviceGone: it did not come back in time, or another phone did.
        """
        ...


ProbeFunction = Callable[..., AsyncIterator[Reading]]


@dataclass(frozen=True, slots=True)
class Setting:
    """One keyword-only argument of a probe: its annotation (as an object) and default (`inspect.Parameter.empty`)."""

    name: str
    annotation: Any
    default: Any


@dataclass(frozen=True, slots=True)
class Probe:
    """A declared probe.

    Attributes:
        id: e.g. `android.battery-health`.
        run: `async def run(bench, *, setting=...)`, yielding readings.
        needs: the capability protocols it uses.
        reads: read-only commands whose answers it wants; the runner batches them with its neighbours'.
        measures: name of each measurement it may yield, and its unit (or `text`, `flag`, `list`).
        settings: its keyword-only arguments.
        asks: whether it may ask a person.
        repeatable: False when it must not be repeated without asking (reboot, reset, write).
        writes: what it changes on the phone and undoes, as a person reads it; None for read-only probes.
        unverified: True while no real phone or capture was seen for it.
        names: what people read for a measurement, where `probes/names.py` does not have it already.
    """

    id: str
    run: ProbeFunction
    needs: tuple[type, ...]
    reads: tuple[Command, ...]
    measures: Mapping[str, str]
    settings: Mapping[str, Setting]
    asks: bool
    repeatable: bool
    writes: Words | None
    unverified: bool
    names: Mapping[str, Words] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        """Whether it may ever wait for something, be it a person, the phone or a thread."""
        return _waits(self.run)

    @property
    def summary(self) -> str:
        """First line of the probe's docstring."""
        return (inspect.getdoc(self.run) or "").split("\n", 1)[0]


#: What `await`, `async for` and `async with` are compiled to (`dis`, Python 3.11 to 3.14).
_WAITING = frozenset(("GET_AWAITABLE", "GET_AITER", "GET_ANEXT", "BEFORE_ASYNC_WITH"))


@functools.cache
def _waits(run: ProbeFunction) -> bool:
    code = getattr(run, "__code__", None)
    if code is None or not inspect.isasyncgenfunction(run):
        return True
    return any(one.opname in _WAITING for one in dis.get_instructions(code))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a parser could not read: `what` names the item, `why` says what was found instead.

    `why_zh` says the same in Chinese where the item may become the reason of an unread measurement.
    """

    what: str
    why: str
    why_zh: str = ""


@dataclass(slots=True)
class Parsed:
    """What a parser read. `facts` holds only what the capture says; keys carry their unit (`voltage_mV`)."""

    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Parser:
    """A declared parser of one kind of captured output."""

    kind: str
    parse: Callable[[bytes], Parsed]


_PROBES: dict[str, Probe] = {}
_PARSERS: dict[str, Parser] = {}


def probe(
    id: str,  # noqa: A002 - the word of the vocabulary
    *,
    needs: type | Sequence[type] = (),
    reads: Sequence[Command] = (),
    measures: Mapping[str, str],
    names: Mapping[str, Words] | None = None,
    asks: bool = False,
    repeatable: bool = True,
    writes: Words | None = None,
    unverified: bool = False,
) -> Callable[[ProbeFunction], ProbeFunction]:
    """Declare the function below as a probe.

    Raises:
        ValueError: the id is taken, a unit is not in the closed list, or a measurement is called differently elsewhere;
            at import, so that no bench starts with it.
    """

    def declare(run: ProbeFunction) -> ProbeFunction:
        origin = f"{run.__module__}.{run.__qualname__}"
        known = _PROBES.get(id)
        if known and f"{known.run.__module__}.{known.run.__qualname__}" != origin:
            raise ValueError(f"two probes are called {id!r}: {known.run.__module__} and {run.__module__}")
        for name, unit in measures.items():
            if unit not in UNITS and unit not in KINDS:
                raise ValueError(
                    f"{id}: measurement {name!r} has the unit {unit!r}, which probes/units.py does not list"
                )
        call(id, measures, names or {})
        signature = inspect.signature(run, eval_str=True)
        settings = {
            p.name: Setting(p.name, p.annotation, p.default)
            for p in signature.parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        }
        _PROBES[id] = Probe(
            id=id,
            run=run,
            needs=(needs,) if isinstance(needs, type) else tuple(needs),
            reads=tuple(reads),
            measures=dict(measures),
            settings=settings,
            asks=asks,
            repeatable=repeatable,
            writes=writes,
            unverified=unverified,
            names=dict(names or {}),
        )
        return run

    return declare


def parser(kind: str) -> Callable[[Callable[[bytes], Parsed]], Callable[[bytes], Parsed]]:
    """Declare the function below as the parser of one kind of captured output."""

    def declare(parse: Callable[[bytes], Parsed]) -> Callable[[bytes], Parsed]:
        _PARSERS[kind] = Parser(kind, parse)
        return parse

    return declare


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a loaded probe came from: goes in the journal with every run."""

    module: str
    distribution: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """What `discover` found: probes and parsers by name, origins by module, and what failed to load and why."""

    probes: Mapping[str, Probe]
    parsers: Mapping[str, Parser]
    origins: Mapping[str, Origin]
    failed: Mapping[str, str]


def _origin(module: ModuleType, distribution: str) -> Origin:
    path = Path(module.__file__ or "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        version = ""
    return Origin(module.__name__, distribution, version, digest)


def discover() -> Loaded:
    """Load every module of this folder and every entry point of the group `assay.probes`.

    What fails to load is reported in `failed` and does not stop the rest.
    """
    import probes

    origins: dict[str, Origin] = {}
    failed: dict[str, str] = {}
    for found in pkgutil.walk_packages(probes.__path__, "probes."):
        if found.name in ("probes.api", "probes.units") or found.name.startswith("probes.signal"):
            continue
        try:
            origins[found.name] = _origin(importlib.import_module(found.name), "assay")
        except Exception as error:
            failed[found.name] = f"{type(error).__name__}: {error}"
    for entry in importlib.metadata.entry_points(group="assay.probes"):
        try:
            module = importlib.import_module(entry.module)
            origins[entry.module] = _origin(module, entry.dist.name if entry.dist else "")
        except Exception as error:
            failed[entry.value] = f"{type(error).__name__}: {error}"
    return Loaded(dict(_PROBES), dict(_PARSERS), origins, failed)
