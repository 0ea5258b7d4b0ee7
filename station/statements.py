"""What a run, an intake, a sign-off and a release say as records, made from the fold and the ticket's salt alone.

Pure functions: identities become salted commitments, and texts lose whatever identity slipped into them. It knows no
key, no store and no device.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from checklists.verdict import Stage
from drivers.text import Words
from reports.predicates import (
    AttemptV1,
    Commitment,
    Common,
    DeviceRef,
    EvidenceRef,
    IdentityV1,
    IntakeV1,
    MeasurementV1,
    PromptV1,
    Quantity,
    RunV1,
    TextV1,
    UnreadV1,
)
from reports.record import commit
from station.events import Held, Identifying, Measured
from station.messages import Intake
from station.session import Attempt, Question, Run, Session
from station.tickets import TakenIn, identities

__all__ = ["Redactor", "identities_of", "intake_v1", "phone_of", "run_v1"]

#: The fewest characters of an identity that are looked for in texts: shorter ones would hit ordinary words. A Chinese
#: name is two to four characters long, and two Chinese characters of a name rarely meet by chance.
_SHORTEST, _SHORTEST_CJK = 5, 2
_IMEI = re.compile(r"(?<![0-9])[0-9]{15}(?![0-9])")


class Redactor:
    """Takes identities out of texts; of numbers and serials the last four characters stay, as on screens."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = sorted({one for one in known if len(one) >= _least(one)}, key=len, reverse=True)

    def text(self, text: str, limit: int) -> str:
        """`text` without them, at most `limit` characters long."""
        for identity in self._known:
            named = not any(char.isdigit() for char in identity)
            text = text.replace(identity, "…" if named else f"…{identity[-4:]}")
        text = _IMEI.sub(lambda found: f"…{found[0][-4:]}", text)
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def words(self, words: Words | None) -> TextV1 | None:
        """The same for a text in both languages, where there is one."""
        return None if words is None else TextV1(en=self.text(words.en, 2000), zh=self.text(words.zh, 2000))

    def must(self, words: Words) -> TextV1:
        """The same for a text that is there."""
        return TextV1(en=self.text(words.en, 2000), zh=self.text(words.zh, 2000))


def _least(identity: str) -> int:
    return _SHORTEST_CJK if any("\u4e00" <= char <= "\u9fff" for char in identity) else _SHORTEST


def phone_of(salt: bytes, serial: str, imeis: tuple[str, ...]) -> Commitment:
    """The commitment to a phone: to its first IMEI, else to its serial."""
    return commit(salt, "imei", imeis[0]) if imeis else commit(salt, "serial", serial)


def intake_v1(
    common: Mapping[str, Any],
    intake: Intake,
    phone: TakenIn,
    salt: bytes,
    received_ms: int,
    symptoms: tuple[str, ...] = (),
    known: Iterable[str] = (),
) -> IntakeV1:
    """The intake record of a ticket that is being opened.

    Args:
        symptoms: their codes, from the registration.
        known: more that identifies the customer or whoever stands for them.
    """
    told = [("imei", imei) for imei in phone.imeis]
    told += [(kind, text) for kind, text in (("serial", phone.serial), ("meid", phone.meid)) if text]
    customer = [("name", intake.customer_name), ("phone", intake.customer_phone)]
    redactor = Redactor([*(text for _kind, text in told + customer), *known])
    return IntakeV1(
        **common,
        person=intake.person,
        phone=phone_of(salt, phone.serial, phone.imeis),
        identities=_committed(salt, told),
        customer=_committed(salt, [(kind, text) for kind, text in customer if text]),
        manufacturer=phone.manufacturer,
        model=phone.model,
        complaint=redactor.text(intake.complaint, 2000),
        symptoms=symptoms,
        appearance=redactor.text(intake.appearance, 2000),
        accessories=redactor.text(intake.accessories, 2000),
        data_notice=intake.data_notice_confirmed,
        test_consent=intake.test_consent,
        evidence=(),
        received_ms=received_ms,
    )


def _committed(salt: bytes, named: Iterable[tuple[str, str]]) -> tuple[IdentityV1, ...]:
    return tuple(IdentityV1(kind=kind, value=commit(salt, kind, text)) for kind, text in named)


def run_v1(
    common: Common | Mapping[str, Any], session: Session, run: Run, salt: bytes, customer: Iterable[str] = ()
) -> RunV1:
    """The record of a finished run: every attempt, as the fold has it; `customer` is their name and telephone."""
    opened = run.opened
    redactor = Redactor([*_identities_in(run), *identities_of(session), *customer])
    return RunV1(
        **dict(common),
        run=run.id,
        stage=Stage(opened.stage),
        person=opened.person,
        device=_device(session, run, salt, redactor),
        checklist=opened.checklist,
        checklist_sha256=opened.checklist_sha256,
        confirms=opened.confirms,
        probes=opened.probes,
        bench=opened.bench,
        started_ms=run.started_ms,
        ended_ms=run.ended_ms or run.started_ms,
        attempts=tuple(_attempt(attempt, salt, redactor) for attempt in run.attempts),
    )


def identities_of(session: Session) -> list[str]:
    """Serial and IMEIs of the ticket's phone, former ones included, where they are known."""
    serial, imeis = identities(session)
    return [serial, *imeis, *session.former]


def _identities_in(run: Run) -> list[str]:
    """Every identity that the run's phone told, at its start or in a measurement."""
    seen = run.opened.device
    kept = [seen.serial, *seen.imeis]
    kept += [one.value for a in run.attempts for one in a.measured if isinstance(one.value, Identifying)]
    return [one.identity for one in kept if one.identity]


def _device(session: Session, run: Run, salt: bytes, redactor: Redactor) -> DeviceRef:
    seen = run.opened.device
    serial, imeis = identities(session)
    told = set(_identities_in(run))
    # The phone is the ticket's when it told the ticket's IMEI or serial; else it is only what it says it is.
    if not told & {serial, *imeis}:
        serial = seen.serial.identity or ""
        imeis = tuple(one.identity for one in seen.imeis if one.identity)
    return DeviceRef(
        phone=phone_of(salt, serial, imeis),
        transport=seen.transport,
        port=redactor.text(seen.port, 200),
        manufacturer=seen.manufacturer,
        model=seen.model,
        platform="ios" if seen.platform == "ios" else "android",
        os_version=seen.os_version,
        build=seen.build,
    )


def _attempt(attempt: Attempt, salt: bytes, redactor: Redactor) -> AttemptV1:
    ended = attempt.ended
    if ended is None:
        raise ValueError(f"{attempt.id} has no end: it can't be recorded yet")
    return AttemptV1(
        check=attempt.check,
        n=attempt.n,
        ending=ended.ending,
        verdict=ended.verdict,
        reason=redactor.words(ended.reason),
        finding=ended.finding,
        side=ended.side,
        started_ms=attempt.started_ms,
        ended_ms=attempt.ended_ms,
        measurements=tuple(_measurement(one, salt, redactor) for one in attempt.measured),
        unread=tuple(
            UnreadV1(name=one.name, reason=redactor.must(one.reason), source=redactor.text(one.source, 400))
            for one in attempt.unread
        ),
        evidence=tuple(
            EvidenceRef(
                name=one.name,
                content=commit(salt, "evidence", one.sha256),
                bytes=one.bytes,
                media_type=one.media_type,
            )
            for one in attempt.attached
        ),
        prompts=tuple(_prompt(one, redactor) for one in attempt.questions),
    )


def _measurement(one: Measured, salt: bytes, redactor: Redactor) -> MeasurementV1:
    identifies = isinstance(one.value, Identifying)
    return MeasurementV1(
        name=one.name,
        value=_recorded(one.value, one.name, salt),
        verdict=one.verdict,
        reason=redactor.words(one.reason),
        limit=one.limit,
        baseline=None if one.baseline is None else _recorded(one.baseline, one.name, salt, identifies=identifies),
        source=redactor.text(one.source, 400),
    )


def _recorded(
    value: Held, kind: str, salt: bytes, *, identifies: bool = False
) -> Quantity | Commitment | bool | str | tuple[str, ...]:
    if isinstance(value, Identifying):
        return commit(salt, kind, value.identity or "")
    if identifies and isinstance(value, str | tuple):
        return commit(salt, kind, value if isinstance(value, str) else "\n".join(value))
    return value


def _prompt(question: Question, redactor: Redactor) -> PromptV1:
    answer = question.answer
    value = answer.value if answer else None
    text = value.identity if isinstance(value, Identifying) else value
    return PromptV1(
        id=question.prompt.prompt,
        title=redactor.must(question.prompt.title),
        outcome=answer.outcome if answer else "withdrawn",
        answer=None if text is None else redactor.text(text, 2000),
        note=redactor.text(answer.note, 2000) if answer and answer.note else None,
        person=answer.person if answer and answer.person else None,
        asked_ms=question.asked_ms,
        ended_ms=question.ended_ms or question.asked_ms,
    )
