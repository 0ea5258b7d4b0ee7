"""A session is the fold of a ticket's events: what the screen draws and what a run's record is built from.

`fold` is pure and total: the same events always give the same session, and an event that does not fit (of an attempt
that was never started) changes nothing. It knows no database, no device and no record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import groupby
from types import MappingProxyType
from typing import Any

from checklists.verdict import Ending, Verdict
from drivers.text import Words
from station.events import (
    Answered,
    Attached,
    AttemptEnded,
    AttemptStarted,
    CodeTried,
    Event,
    EvidenceViewed,
    Measured,
    NotRead,
    PhoneChanged,
    Prompted,
    Reads,
    ReleaseRefused,
    RunAborted,
    RunFinished,
    RunOpened,
    RunResumed,
    Sealed,
    TicketOpened,
    TicketRegistered,
)

__all__ = ["Attempt", "Question", "Run", "Session", "apply", "fold"]


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt and what came of it; `answer` is None while it is open."""

    prompt: Prompted
    asked_ms: int
    answer: Answered | None = None
    ended_ms: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one check, as far as it got; `ended` is None while it is open.

    `attached` is all evidence, with what the phone answered to the reads.
    """

    id: str
    check: str
    n: int
    started_ms: int
    mono_ns: int
    reads: tuple[Reads, ...] = ()
    measured: tuple[Measured, ...] = ()
    unread: tuple[NotRead, ...] = ()
    attached: tuple[Attached | Reads, ...] = ()
    questions: tuple[Question, ...] = ()
    ended: AttemptEnded | None = None
    ended_ms: int = 0
    seconds: float = 0.0

    @property
    def question(self) -> Question | None:
        """The prompt that is open right now."""
        if self.ended is None and self.questions and self.questions[-1].answer is None:
            return self.questions[-1]
        return None


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of one checklist. `active`: the engine has work open in it."""

    id: str
    opened: RunOpened
    started_ms: int
    attempts: tuple[Attempt, ...] = ()
    resumed: tuple[RunResumed, ...] = ()
    active: bool = True
    ended_ms: int | None = None
    stopped: Words | None = None
    aborted: RunAborted | None = None
    record: Sealed | None = None
    signed: tuple[Sealed, ...] = ()

    def of_check(self, check: str) -> tuple[Attempt, ...]:
        """The attempts of one check, in order."""
        return tuple(attempt for attempt in self.attempts if attempt.check == check)

    def latest(self, check: str) -> Attempt | None:
        """The last attempt of one check: its verdict is the check's; earlier ones stay and are counted."""
        mine = self.of_check(check)
        return mine[-1] if mine else None

    @property
    def open_attempts(self) -> tuple[Attempt, ...]:
        """Attempts without an end."""
        return tuple(attempt for attempt in self.attempts if attempt.ended is None)

    def left(self, checks: Iterable[str]) -> tuple[str, ...]:
        """Those of `checks` that still have to be run: never tried, or last ended through no fault of the phone."""
        again = (Ending.ERRORED, Ending.TIMED_OUT, Ending.ABORTED, Ending.INTERRUPTED)
        latest = {check: self.latest(check) for check in checks}
        return tuple(
            check for check, last in latest.items() if last is None or (last.ended and last.ended.ending in again)
        )

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Each tried check and its last verdict; an open attempt has none."""
        return {a.check: a.ended.verdict if a.ended else Verdict.NONE for a in self.attempts}


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that is known of a ticket on this station (or of a dry run: then `ticket` is empty).

    `former`: identities that the phone had before a board or unit was exchanged. `wrong_codes`: how often another code
    was typed than the one-time code that was sent, by the digest of that one's record.
    """

    ticket: str = ""
    registered: TicketRegistered | None = None
    opened: TicketOpened | None = None
    opened_ms: int = 0
    runs: Mapping[str, Run] = field(default_factory=lambda: MappingProxyType({}))
    records: tuple[Sealed, ...] = ()
    refused: ReleaseRefused | None = None
    former: tuple[str, ...] = ()
    views: tuple[EvidenceViewed, ...] = ()
    wrong_codes: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    last_ms: int = 0

    @property
    def model(self) -> str:
        """The phone's model, as taken in, else as registered."""
        told = self.opened or self.registered
        return told.model if told else ""

    @property
    def complaint(self) -> str:
        """The customer's words."""
        told = self.opened or self.registered
        return told.complaint if told else ""

    def latest_run(self, stage: str, *, sealed: bool = False) -> Run | None:
        """The newest run of a stage (with `sealed`: the newest one that has a record)."""
        found = [r for r in self.runs.values() if r.opened.stage == stage and (r.record is not None or not sealed)]
        return found[-1] if found else None

    def record(self, kind: str) -> Sealed | None:
        """The newest record of that kind, e.g. `intake/v1`."""
        found = [one for one in self.records if one.record == kind]
        return found[-1] if found else None


def fold(events: Iterable[Event], start: Session | None = None) -> Session:
    """The session that these events tell of, going on from `start`."""
    session = start or Session()
    for run, group in groupby(events, _run_of_part):
        together = list(group)
        session = _with_parts(session, run, together) if run is not None else reduce(apply, together, session)
    return session


def _run_of_part(event: Event) -> str | None:
    """The run of an event that tells of an attempt, None for events about more than that.

    A batch brings hundreds of events of one run at once: folded together they copy the run once, not each time.
    """
    return event.run if event.body.kind in _OF_ATTEMPTS else None


def _with_parts(session: Session, run_id: str, events: Sequence[Event]) -> Session:
    last_ms = max(session.last_ms, *[event.wall_ms for event in events])
    known = session.runs.get(run_id)
    if known is None:
        return replace(session, last_ms=last_ms)
    runs = {**session.runs, run_id: _with_attempts(known, events)}
    return replace(session, last_ms=last_ms, runs=MappingProxyType(runs))


def apply(session: Session, event: Event) -> Session:
    """The session after one more event."""
    session = replace(session, last_ms=max(session.last_ms, event.wall_ms))
    match event.body:
        case TicketRegistered() as registered:
            return replace(session, ticket=event.ticket, registered=registered, opened_ms=event.wall_ms)
        case TicketOpened() as opened:
            since_ms = session.opened_ms or event.wall_ms
            return replace(session, ticket=event.ticket, opened=opened, opened_ms=since_ms)
        case PhoneChanged() as changed:
            return _with_phone(session, changed)
        case RunOpened() as opened:
            run = Run(event.run, opened, event.wall_ms)
            return _with_run(replace(session, ticket=event.ticket), run)
        case Sealed() as sealed:
            return _sealed(session, sealed)
        case ReleaseRefused() as refused:
            return replace(session, refused=refused)
        case EvidenceViewed() as viewed:
            return replace(session, views=(*session.views, viewed))
        case CodeTried(code=code, right=False):
            count = {**session.wrong_codes, code: session.wrong_codes.get(code, 0) + 1}
            return replace(session, wrong_codes=MappingProxyType(count))
    known = session.runs.get(event.run)
    return _with_run(session, _in_run(known, event)) if known else session


def _with_phone(session: Session, changed: PhoneChanged) -> Session:
    """The ticket's phone has other identities now; the former ones still identify it in texts."""
    if session.opened is None:
        return session
    was = (session.opened.serial, *session.opened.imeis)
    former = (*session.former, *(one.identity for one in was if one.identity))
    opened = session.opened.model_copy(update={"serial": changed.serial, "imeis": changed.imeis})
    return replace(session, opened=opened, former=former)


def _with_run(session: Session, run: Run) -> Session:
    return replace(session, runs=MappingProxyType({**session.runs, run.id: run}))


def _sealed(session: Session, sealed: Sealed) -> Session:
    session = replace(session, records=(*session.records, sealed))
    if sealed.record == "release/v1":
        session = replace(session, refused=None)
    for run in session.runs.values():
        if sealed.record == "run/v1" and sealed.run == run.id:
            return _with_run(session, replace(run, record=sealed))
        if sealed.record == "signoff/v1" and run.record and sealed.target == run.record.digest:
            return _with_run(session, replace(run, signed=(*run.signed, sealed)))
    return session


def _in_run(run: Run, event: Event) -> Run:
    match event.body:
        case RunResumed() as resumed:
            return replace(run, active=True, ended_ms=None, stopped=None, resumed=(*run.resumed, resumed))
        case RunFinished() as finished:
            return replace(run, active=False, ended_ms=event.wall_ms, stopped=finished.reason)
        case RunAborted() as aborted:
            return replace(run, aborted=aborted)
    return _with_attempts(run, [event]) if event.body.kind in _OF_ATTEMPTS else run


def _with_attempts(run: Run, events: Iterable[Event]) -> Run:
    """The run after events of its attempts; an attempt that has ended takes no more."""
    attempts = list(run.attempts)
    open_at = {attempt.id: at for at, attempt in enumerate(attempts) if attempt.ended is None}
    of_attempt: dict[str, list[Event]] = {}
    for event in events:
        body = event.body
        if isinstance(body, AttemptStarted):
            _tell(attempts, open_at, of_attempt)
            open_at[body.attempt] = len(attempts)
            attempts.append(Attempt(body.attempt, body.check, body.n, event.wall_ms, event.mono_ns))
        elif isinstance(body, _PARTS):
            of_attempt.setdefault(body.attempt, []).append(event)
    _tell(attempts, open_at, of_attempt)
    return replace(run, attempts=tuple(attempts))


def _tell(attempts: list[Attempt], open_at: Mapping[str, int], of_attempt: dict[str, list[Event]]) -> None:
    """Put events of attempts where they belong, in place; none is left over."""
    for attempt_id, events in of_attempt.items():
        at = open_at.get(attempt_id)
        if at is not None and attempts[at].ended is None:
            attempts[at] = _in_attempt(attempts[at], events)
    of_attempt.clear()


def _in_attempt(attempt: Attempt, events: Sequence[Event]) -> Attempt:
    """The attempt with its parts added in their order, up to its end."""
    parts: dict[str, list[Any]] = defaultdict(list)
    questions, end = attempt.questions, None
    for event in events:
        body = event.body
        if (part := _PART_OF.get(type(body))) is not None:
            parts[part].append(body)
            if isinstance(body, Reads) and body.media_type:
                parts["attached"].append(body)
        elif isinstance(body, Prompted):
            questions = (*questions, Question(body, event.wall_ms))
        elif isinstance(body, Answered):
            questions = _answered(questions, body, event.wall_ms)
        elif isinstance(body, AttemptEnded):
            end = event
            break
    changes: dict[str, Any] = {name: (*getattr(attempt, name), *added) for name, added in parts.items()}
    if end is not None:
        changes |= {"ended": end.body, "ended_ms": end.wall_ms}
        changes["seconds"] = max(0, end.mono_ns - attempt.mono_ns) / 1e9
    return replace(attempt, questions=questions, **changes)


_PART_OF: Mapping[type, str] = {Reads: "reads", Attached: "attached", Measured: "measured", NotRead: "unread"}
_PARTS = (Measured, Reads, Attached, NotRead, Prompted, Answered, AttemptEnded)
_OF_ATTEMPTS = frozenset(
    ("attempt-started", "reads", "attached", "measured", "unread", "prompted", "answered", "attempt-ended")
)


def _answered(questions: tuple[Question, ...], answered: Answered, wall_ms: int) -> tuple[Question, ...]:
    """The answer goes to the newest open question of that name."""
    for i in reversed(range(len(questions))):
        if questions[i].answer is None and questions[i].prompt.prompt == answered.prompt:
            return (*questions[:i], replace(questions[i], answer=answered, ended_ms=wall_ms), *questions[i + 1 :])
    return questions
