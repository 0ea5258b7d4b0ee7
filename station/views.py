"""What a screen is shown of a session: rows, runs, tickets and cards, made from the fold and nothing else.

Pure functions; texts from outside have passed `safe_text` on the way in. It knows no device, no database, no socket.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from checklists.canonical import from_dump
from checklists.describe import BASELINE_WORDS
from checklists.schema import Check, Checklist
from checklists.verdict import Ending, Verdict
from drivers.text import Words, safe_text
from probes.names import name_words
from station.asking import Open
from station.bench import Slot
from station.events import Measured
from station.messages import Card, CardStatus, ChangeRow, CheckRow, PromptView, RunView, TicketView, TodoRow
from station.session import Attempt, Run, Session
from station.states import State, state_of
from station.tickets import identities
from station.values import as_shown, as_value
from station.writes import Change

__all__ = [
    "card",
    "change_row",
    "identity_rows",
    "is_called",
    "prompt_view",
    "remember",
    "resolved",
    "run_document",
    "run_view",
    "summary",
    "summary_words",
    "ticket_view",
    "todo",
]


def resolved(run: Run) -> Checklist:
    """The checklist that the run began with, as its journal has it."""
    known = _BY_DIGEST.get(run.opened.checklist_sha256)
    if known is None:
        if len(_BY_DIGEST) > 64:
            _BY_DIGEST.clear()
        known = _BY_DIGEST[run.opened.checklist_sha256] = from_dump(run.opened.checklist)
    return known


#: Reading a dump takes milliseconds, and every card of every snapshot needs its checklist.
_BY_DIGEST: dict[str, Checklist] = {}


def remember(checklist: Checklist) -> None:
    """Keep a checklist that was just loaded: a run that begins with it need not read it back."""
    if checklist.sha256:
        _BY_DIGEST[checklist.sha256] = checklist


def planned(run: Run) -> list[Check]:
    """The checks that the run is about, in order."""
    only = run.opened.only
    return [check for check in resolved(run).checks if not only or check.id in only]


# --- rows ------------------------------------------------------------------------------------------------------------


def run_view(run: Run) -> RunView:
    """A run with a row for each check of its checklist."""
    checklist = resolved(run)
    only = run.opened.only
    rows = tuple(_row(check, run) for check in planned(run))
    return RunView(
        run=run.id,
        ticket="",
        stage=run.opened.stage.value,
        checklist=checklist.id,
        checklist_title=checklist.title.words,
        person=run.opened.person,
        state="sealed" if run.record else "running" if run.active else "finished",
        started_ms=run.started_ms,
        ended_ms=run.ended_ms,
        checks=rows,
        summary=summary(run),
        record=run.record.digest if run.record else None,
        signed_by=run.signed[-1].person if run.signed else None,
        checklist_sha256=run.opened.checklist_sha256,
        stopped=run.stopped,
        resumable=() if run.active or run.record else run.left(only or [check.id for check in checklist.checks]),
    )


def summary(run: Run) -> dict[str, int]:
    """How many checks ended how; what has no verdict is `not_run`, whether it was tried or not."""
    verdicts = run.verdicts
    count = Counter(verdicts.get(check.id, Verdict.NONE) for check in planned(run))
    named = {verdict.value: count[verdict] for verdict in (Verdict.PASS, Verdict.WARN, Verdict.FAIL, Verdict.INFO)}
    return {**named, "not_run": count[Verdict.NONE]}


def summary_words(count: Mapping[str, int]) -> Words:
    """A summary as people read it, without what there is none of: `pass 12  fail 1`."""
    parts = [(Verdict("none" if name == "not_run" else name).words, n) for name, n in count.items() if n]
    return Words("  ".join(f"{word.en} {n}" for word, n in parts), "  ".join(f"{word.zh} {n}" for word, n in parts))


def _row(check: Check, run: Run) -> CheckRow:
    tries = run.of_check(check.id)
    about: dict[str, Any] = {
        "id": check.id,
        "title": check.title.words,
        "layer": check.layer.value,
        "required": check.required,
        "attempts": len(tries),
        "evidence": tuple((kept.name, kept.sha256) for tried in tries for kept in tried.attached),
    }
    if not tries:
        return CheckRow(**about, state="waiting")
    last = tries[-1]
    about |= _deciding(last)
    if last.ended is None:
        return CheckRow(**about, state="your-turn" if last.question else "running")
    return CheckRow(
        **about,
        state="ended",
        ending=last.ended.ending.value,
        verdict=last.ended.verdict.value,
        reason=last.ended.reason,
        side=last.ended.side,
        finding=last.ended.finding,
        failed_before=any(a.ended and a.ended.verdict is Verdict.FAIL for a in tries[:-1]),
        seconds=round(seconds(last), 3),
    )


def seconds(attempt: Attempt) -> float:
    """How long the attempt took: its slice of the batch on the phone's clock, else from start to end."""
    slice_ms = sum(read.ms for read in attempt.reads)
    return slice_ms / 1000 if attempt.reads and not attempt.questions else attempt.seconds


_WORST = (Verdict.FAIL, Verdict.NONE, Verdict.WARN, Verdict.PASS, Verdict.INFO)


def _deciding(attempt: Attempt) -> dict[str, Any]:
    """The measurement that decided: what it is called, its value and its limit, as short texts."""
    if not attempt.measured:
        return {}
    one = min(attempt.measured, key=lambda m: (m.limit is None, _WORST.index(m.verdict)))
    measured = safe_text(as_shown(one.value), 60)
    return {"measure": name_words(one.name), "measured": measured, "limit": _limit_shown(one)}


def _limit_shown(measured: Measured) -> Words | str:
    """The limit as a short text; in both languages where it names what it stands on."""
    plain = limit_text(measured)
    where = BASELINE_WORDS.get((measured.limit or {}).get("relative_to") or "")
    return plain if where is None else Words(plain, limit_text(measured, where.zh))


def limit_text(measured: Measured, where: str = "") -> str:
    """A limit as a short text, e.g. `85 … 100`; `where` is what a relative one stands on, else its own word."""
    limit = measured.limit
    if limit is None:
        return ""
    low = _plain(limit.get("min") or limit.get("warn_min"))
    high = _plain(limit.get("max") or limit.get("warn_max"))
    if low and high:
        text = f"{low} … {high}"
    elif low or high:
        text = f"≥ {low}" if low else f"≤ {high}"
    elif limit.get("equals") is not None:
        text = f"= {_plain(limit['equals'])}"
    elif limit.get("one_of"):
        text = " / ".join(_plain(item) for item in limit["one_of"])
    else:
        text = f"= {where or limit['relative_to']}" if limit.get("equals_baseline") else ""
    if limit.get("relative_to") and limit.get("mode"):
        text += f" {'×' if limit['mode'] == 'ratio' else '+'} {where or limit['relative_to']}"
    return safe_text(text, 60)


def _plain(value: object) -> str:
    """A limit's number, flag or text as dumped by `checklists.canonical`."""
    if isinstance(value, dict):
        return f"{Decimal(value['v']).scaleb(value['e']):f}"
    if value is None:
        return ""
    return {True: "✓", False: "✗"}[value] if isinstance(value, bool) else str(value)


def prompt_view(slot: int, run: Run, question: Open) -> PromptView:
    """The open question, ready to show."""
    prompt = question.prompt
    return PromptView(
        slot=slot,
        attempt=question.attempt,
        id=prompt.id,
        kind=prompt.kind.value,
        check_title=resolved(run).check(question.check).title.words,
        title=prompt.title,
        steps=prompt.steps,
        choices=tuple((choice.value, choice.label, choice.key) for choice in prompt.choices),
        asked_ms=question.asked_ms,
        ends_ms=question.ends_ms,
    )


def run_document(session: Session, run: Run) -> dict[str, Any]:
    """The shape of `assay run --json`."""
    seen, checklist = run.opened.device, resolved(run)
    return {
        "run": run.id,
        "ticket": session.ticket or None,
        "device": {
            "id": f"{seen.transport}:{seen.serial.identity or ''}",
            "transport": seen.transport,
            "port": seen.port,
            "serial": seen.serial.identity,
            "model": seen.model,
            "platform": seen.platform,
            "os": seen.os_version,
            "simulated": seen.simulated,
        },
        "checklist": {"id": checklist.id, "version": checklist.version, "sha256": run.opened.checklist_sha256},
        "stage": run.opened.stage.value,
        "person": run.opened.person,
        "started": run.started_ms,
        "ended": run.ended_ms,
        "checks": [_check_document(check, run) for check in planned(run)],
        "summary": summary(run),
        "stopped": list(run.stopped) if run.stopped else None,
        "record": run.record.digest if run.record else None,
    }


def _check_document(check: Check, run: Run) -> dict[str, Any]:
    tries = run.of_check(check.id)
    last = tries[-1] if tries else None
    ended = last.ended if last else None
    return {
        "id": check.id,
        "title": list(check.title.words),
        "layer": check.layer.value,
        "required": check.required,
        "ending": ended.ending.value if ended else None,
        "verdict": ended.verdict.value if ended else Verdict.NONE.value,
        "reason": list(ended.reason) if ended and ended.reason else None,
        "side": ended.side if ended else None,
        "finding": ended.finding if ended else None,
        "attempts": len(tries),
        "measurements": [_measurement_document(one) for one in last.measured] if last else [],
        "unread": [{"name": one.name, "reason": list(one.reason)} for one in last.unread] if last else [],
        "evidence": [{"sha256": e.sha256, "name": e.name, "bytes": e.bytes} for e in last.attached] if last else [],
        "seconds": round(seconds(last), 3) if last else 0.0,
    }


def _measurement_document(one: Measured) -> dict[str, Any]:
    value = as_value(one.value)
    plain = float(value) if isinstance(value, Decimal) else list(value) if isinstance(value, tuple) else value
    return {
        "name": one.name,
        "value": int(plain) if isinstance(plain, float) and plain.is_integer() else plain,
        "unit": one.unit,
        "verdict": one.verdict.value,
        "limit": limit_text(one) or None,
        "source": one.source,
    }


def is_called(slot: Slot, wanted: str) -> bool:
    """Whether the phone in the slot is meant by `adb:SERIAL`, or by a part of a serial or IMEI."""
    if slot.link is None:
        return False
    serials = {slot.link.serial, slot.identity.serial if slot.identity else ""} - {""}
    if wanted in {slot.link.id, *(f"{slot.link.transport}:{serial}" for serial in serials)}:
        return True
    imeis = slot.identity.imeis if slot.identity else ()
    return (
        bool(wanted)
        and ":" not in wanted.replace(slot.link.serial, "")
        and any(wanted in name for name in (*serials, *imeis))
    )


def identity_rows(slot: Slot) -> dict[str, str]:
    """Who the phone says it is, for the detail screen; IMEIs in full, since the person compares them with the label."""
    if slot.identity is None:
        return {}
    told = slot.identity
    rows = {
        "serial": told.serial,
        "manufacturer": told.manufacturer,
        "model": told.model,
        "platform": told.platform,
        "os": told.os_version,
        "build": told.build,
        "port": slot.port,
    }
    rows |= {f"imei{n}": imei for n, imei in enumerate(told.imeis, 1)}
    return {name: safe_text(value, 200) for name, value in rows.items() if value}


# --- tickets ---------------------------------------------------------------------------------------------------------


def ticket_view(session: Session, changes: Iterable[Change] = ()) -> TicketView:
    """A ticket with its runs and records, and with those of the changes that are its own."""
    state = state_of(session)
    serial, imeis = identities(session)
    release = session.record("release/v1")
    return TicketView(
        ticket=session.ticket,
        state=state.value,
        state_words=state.words,
        model=session.model,
        imei_tail=(imeis[0] if imeis else serial)[-4:],
        complaint=session.complaint,
        opened_ms=session.opened_ms,
        runs=tuple(run_view(run).model_copy(update={"ticket": session.ticket}) for run in session.runs.values()),
        records=tuple(one.model_dump(mode="json", exclude={"kind"}) for one in session.records),
        release=release.decision if release and state is State.READY else None,
        release_reasons=session.refused.reasons if session.refused else (),
        left=tuple(change.what for change in changes if change.ticket == session.ticket),
    )


def change_row(change: Change, slot: int | None) -> ChangeRow:
    """A change that is not undone, and where its phone is."""
    return ChangeRow(
        change=change.id,
        what=change.what,
        ticket=change.ticket,
        run=change.run,
        model=change.model,
        serial_tail=safe_text((change.imeis[0] if change.imeis else change.serial)[-4:]),
        slot=slot,
        made_ms=change.made_ms,
        failed=change.failed,
    )


# --- cards -----------------------------------------------------------------------------------------------------------

_LEFT = Words("not undone on the phone yet: {n}", "手机上尚有 {n} 处改动未恢复")
_EMPTY = (Words("empty", "空位"), Words("plug a phone in", "插上手机即开始"))
_IDENTIFYING = Words("identifying", "识别中")
_READY = (Words("ready", "就绪"), Words("take in, or start a check", "请接件或开始检测"))
_TAKE_IN = Words("registered: take it in", "已受理：请接件")
_CHECK = Words("taken in: start the check that is due", "已接件：请开始应做的检测")
_YOUR_TURN = Words("your turn: {check}", "请操作：{check}")
_RUNNING = Words("{check}  {done}/{total}", "{check}  第 {done}/{total} 项")
_STARTING = Words("starting", "正在开始")
_LOST = (Words("lost during the check", "检测中掉线"), Words("Plug it in again", "请重新连接手机"))
_FAILED = Words("{n} failed", "{n} 项不合格")
_FAILED_AND = Words("{failed}; {why}", "{failed}；{why}")
_WARNED = Words("{n} warnings", "{n} 项预警")
_NOT_RUN = Words("{n} not run", "{n} 项未检")
_PASSED = Words("PASS {n}/{total}", "合格 {n}/{total}")
_GO_ON = Words("go on with what is left, or sign it as it is", "继续未完成的检测，或按现状签字")
_SEAL = Words("look through it, then sign", "请核对后签字")


def card(
    slot: Slot,
    ticket: str,
    run: Run | None,
    question: Open | None,
    trouble: Words | None,
    left: Sequence[Change] = (),
    *,
    registered: bool = False,
) -> Card:
    """One slot of the overview; `left` is what is changed on its phone and not undone.

    `registered`: the ticket waits for this phone, which was not taken in yet.
    """
    about: dict[str, Any] = {
        "slot": slot.number,
        "device": slot.link.id if slot.link else "",
        "model": safe_text(slot.identity.model if slot.identity else slot.link.model if slot.link else "", 60),
        "serial_tail": safe_text(slot.identity.serial if slot.identity else slot.link.serial if slot.link else "")[-4:],
        "ticket": ticket,
        "since_ms": slot.since_ms,
        "simulated": bool(slot.link and slot.link.simulated),
        "notice": _LEFT.fill(n=len(left)) if left else None,
    }
    if run is not None:
        about |= _progress(run)
    if trouble is not None:
        return Card(**about, status=CardStatus.LOST, headline=trouble)
    if run is not None and run.active:
        return _active(about, run, question)
    if slot.link is None:
        lost = run is not None and run.stopped is not None and not run.record
        words = _LOST if lost else _EMPTY
        return Card(
            **about, status=CardStatus.LOST if lost else CardStatus.EMPTY, headline=words[0], next_step=words[1]
        )
    if slot.trouble is not None:
        return Card(**about, status=CardStatus.BLOCKED, headline=slot.trouble[0], next_step=slot.trouble[1])
    if not slot.ready:
        return Card(**about, status=CardStatus.IDENTIFYING, headline=_IDENTIFYING)
    if run is None:
        next_step = _TAKE_IN if registered else _CHECK if about.get("ticket") else _READY[1]
        return Card(**about, status=CardStatus.READY, headline=_READY[0], next_step=next_step)
    status, headline = _outcome(run)
    if run.stopped is not None and run.record is None:
        if status is CardStatus.FAIL:  # what failed is the phone's, what stopped it is not
            stopped = _FAILED_AND.fill(failed=headline, why=run.stopped)
            return Card(**about, status=status, headline=stopped, next_step=_GO_ON)
        return Card(**about, status=CardStatus.NOT_RUN, headline=run.stopped, next_step=_GO_ON)
    return Card(**about, status=status, headline=headline, next_step=None if run.record else _SEAL)


def _progress(run: Run) -> dict[str, Any]:
    marks = []
    for check in planned(run):
        last = run.latest(check.id)
        marks.append("" if last is None else ">" if last.ended is None else last.ended.verdict.value)
    return {"marks": tuple(marks), "done": sum(mark not in ("", ">") for mark in marks), "total": len(marks)}


def _active(about: dict[str, Any], run: Run, question: Open | None) -> Card:
    if question is not None:
        title = resolved(run).check(question.check).title
        headline = _YOUR_TURN.fill(check=title.words)
        about["since_ms"] = question.asked_ms
        return Card(**about, status=CardStatus.YOUR_TURN, headline=headline, next_step=question.prompt.title)
    now = next((a.check for a in run.attempts if a.ended is None), None)
    if now is None:
        return Card(**about, status=CardStatus.RUNNING, headline=_STARTING)
    title = resolved(run).check(now).title
    place = {"done": min(about["done"] + 1, about["total"]), "total": about["total"]}
    headline = _RUNNING.fill(check=title.words, **place)
    return Card(**about, status=CardStatus.RUNNING, headline=headline)


def _outcome(run: Run) -> tuple[CardStatus, Words]:
    """The run's outcome; a required check without a verdict keeps it from being a pass."""
    count = summary(run)
    total = sum(count.values())
    if count["fail"]:
        return CardStatus.FAIL, _FAILED.fill(n=count["fail"])
    verdicts = run.verdicts
    not_applicable = {a.check for a in run.attempts if a.ended and a.ended.ending is Ending.NOT_APPLICABLE}
    missing = [
        check
        for check in resolved(run).checks
        if check.required and verdicts.get(check.id, Verdict.NONE) is Verdict.NONE and check.id not in not_applicable
    ]
    if missing:
        return CardStatus.NOT_RUN, _NOT_RUN.fill(n=len(missing))
    if count["warn"]:
        return CardStatus.WARN, _WARNED.fill(n=count["warn"])
    if not count["pass"]:
        return CardStatus.NOT_RUN, _NOT_RUN.fill(n=count["not_run"])
    return CardStatus.PASS, _PASSED.fill(n=count["pass"] + count["info"], total=total)


# --- what waits for a person -----------------------------------------------------------------------------------------

_TODO_SIGN = Words("look through the run and sign", "核对检测结果并签字")
_TODO_CROSS = Words("cross-check", "互检")
_TODO_RELEASE = Words("release", "放行")


def todo(cards: dict[int, Card], sessions: dict[str, Session], slot_of: dict[str, int]) -> list[TodoRow]:
    """What waits for a person, the longest waiting first."""
    found = [
        TodoRow(slot=c.slot, ticket=c.ticket, model=c.model, what=c.next_step or c.headline, since_ms=c.since_ms)
        for c in cards.values()
        if c.status in (CardStatus.YOUR_TURN, CardStatus.BLOCKED)
    ]
    for number, session in sessions.items():
        what = _waits(session) if number == session.ticket and number else None
        if what is not None:
            about = {"slot": slot_of.get(number), "ticket": number, "model": session.model}
            found.append(TodoRow(**about, what=what, since_ms=session.last_ms))
    return sorted(found, key=lambda row: row.since_ms)


def _waits(session: Session) -> Words | None:
    last = list(session.runs.values())[-1] if session.runs else None
    if last is None or last.active:
        return None
    if last.stopped is not None and last.record is None:
        return _GO_ON
    if not (last.record and last.signed):
        return _TODO_SIGN
    if state_of(session) is State.CROSS_CHECK_DUE:
        return _TODO_RELEASE if last.opened.stage.value == "cross-check" else _TODO_CROSS
    return None
