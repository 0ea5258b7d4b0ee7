"""Tickets: their numbers, what must be right before one is opened, their states, and the list of them.

The state is a function of the session; the table here is derived from it and exists to list and number tickets fast.
It knows no device and no screen.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from drivers.api import Identity, Side
from drivers.imei import check_digit
from drivers.text import Words, safe_text
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.journal import load
from station.messages import Intake
from station.session import Session, fold
from station.states import state_of
from station.unreadable import Unreadable

__all__ = [
    "TICKETS",
    "TakenIn",
    "as_registered",
    "check_imei",
    "check_meid",
    "facts",
    "identities",
    "must_be_number",
    "next_number",
    "open_now",
    "open_tickets",
    "other_ticket",
    "refuse_twice",
    "registered_for",
    "rows",
    "same_phone",
    "save",
    "set_aside",
    "taken_in",
]

TICKETS = Migrations("assay-tickets")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")


@TICKETS()
def m001_ticket(db: Database) -> None:
    """The list of tickets, derived from the journal."""
    db.table("ticket").create(
        {"ticket": str, "opened_ms": int, "model": str, "state": str, "open": int},
        pk="ticket",
        not_null={"opened_ms", "model", "state", "open"},
        strict=True,
    )
    db.table("ticket").create_index(["open"])


@TICKETS()
def m002_newest(db: Database) -> None:
    """The newest tickets first without sorting all; with every column of the list, so that a search reads no more."""
    db.execute("CREATE INDEX ticket_newest ON ticket (opened_ms, ticket, model, state)")


# --- numbers and identities ------------------------------------------------------------------------------------------


def next_number(db: Database, now_s: float | None = None) -> str:
    """The next ticket number of this month, `Tyymm-nnnn`."""
    prefix = time.strftime("T%y%m-", time.localtime(now_s))
    query = "SELECT ticket FROM ticket WHERE ticket LIKE ? ORDER BY length(ticket) DESC, ticket DESC LIMIT 1"
    last = next(iter(db.query(query, [f"{prefix}%"])), None)
    tail = last["ticket"].removeprefix(prefix) if last else "0"
    return f"{prefix}{int(tail) + 1 if tail.isdecimal() else 1:04d}"


def must_be_number(ticket: str) -> None:
    """Refuse what can't be a ticket number; empty stands for the next one.

    Raises:
        Trouble: it can't.
    """
    if ticket and not _NUMBER.fullmatch(ticket):
        raise _wrong("ticket.number", _BAD_NUMBER.fill(ticket=ticket), _NUMBER_FORM)


def check_imei(text: str) -> str:
    """The IMEI's digits.

    Raises:
        Trouble: not 15 digits, or the check digit (Luhn, 3GPP TS 23.003 annex B) does not fit.
    """
    digits = re.sub(r"[\s/.-]", "", text)
    if not re.fullmatch(r"[0-9]{15}", digits):
        raise _wrong("ticket.imei", _IMEI_FORM.fill(text=text), _SCAN_AGAIN)
    if check_digit(digits[:14]) != digits[14]:
        raise _wrong("ticket.imei", _IMEI_DIGIT.fill(text=digits, digit=check_digit(digits[:14])), _SCAN_AGAIN)
    return digits


def check_meid(text: str) -> str:
    """The MEID's 14 hexadecimal digits, in capitals.

    Raises:
        Trouble: neither 14 hexadecimal digits nor those and a check digit that fits (3GPP2 X.S0008-0).
    """
    from probes.identity import meid_check_digit

    digits = re.sub(r"[\s/.-]", "", text).upper()
    if not re.fullmatch(r"[0-9A-F]{14,15}", digits):
        raise _wrong("ticket.meid", _MEID_FORM.fill(text=text), _SCAN_AGAIN)
    if len(digits) == 15 and meid_check_digit(digits[:14]) != digits[14]:
        raise _wrong("ticket.meid", _MEID_DIGIT.fill(text=digits, digit=meid_check_digit(digits[:14])), _SCAN_AGAIN)
    return digits[:14]


def identities(session: Session) -> tuple[str, tuple[str, ...]]:
    """Serial and IMEIs of the ticket's phone, as taken in, else as registered (and not erased)."""
    told = session.opened or session.registered
    if told is None:
        return "", ()
    serial = told.serial.identity if told.serial else None
    return serial or "", tuple(one.identity for one in told.imeis if one.identity)


def same_phone(session: Session, identity: Identity) -> bool:
    """Whether nothing speaks against the phone being the ticket's: IMEIs where both have some, else serials."""
    serial, imeis = identities(session)
    if imeis and identity.imeis:
        return bool(set(imeis) & set(identity.imeis))
    return not (serial and identity.serial) or serial == identity.serial


def one_phone(one: Identity, other: Identity) -> bool:
    """Whether both are the same phone as far as they tell: by IMEIs where both have some, else by serial and model."""
    if one.imeis and other.imeis:
        return bool(set(one.imeis) & set(other.imeis))
    return (one.serial, one.model) == (other.serial, other.model)


def facts(session: Session) -> dict[str, str]:
    """What the ticket says of the phone and of the complaint, for probes.

    `complaint`: the customer's words; `symptoms`: their codes, apart by a space.
    """
    serial, imeis = identities(session)
    named = {"serial": serial, "model": session.model, "complaint": session.complaint}
    if session.registered is not None:
        named["symptoms"] = " ".join(session.registered.symptoms)
    named |= {f"imei{n}" if n > 1 else "imei": imei for n, imei in enumerate(imeis, 1)}
    return {name: value for name, value in named.items() if value}


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An intake after every check: what the ticket will hold."""

    serial: str
    imeis: tuple[str, ...]
    model: str
    manufacturer: str
    meid: str = ""


def registered_for(intake: Intake, phone: Identity | None, others: Iterable[tuple[str, Session]]) -> str:
    """The open ticket under which this very phone was registered and is not taken in yet; empty if there is none."""
    told = phone or Identity()
    waiting = ((number, session) for number, session in others if session.opened is None)
    return other_ticket(intake.serial or told.serial, (*([intake.imei] if intake.imei else []), *told.imeis), waiting)


def as_registered(intake: Intake, known: Mapping[str, Any]) -> Intake:
    """The intake with what the registration knows (the ticket's erasable data) where nothing was typed.

    Raises:
        Trouble: the IMEI or serial that was typed is not the registered one.
    """
    imeis = [str(known[name]) for name in ("imei", "imei2") if known.get(name)]
    if intake.imei and imeis and check_imei(intake.imei) not in imeis:
        raise _other_phone(_NOT_REGISTERED.fill(what="IMEI", tail=intake.imei[-4:]), _RIGHT_TICKET)
    serial = str(known.get("serial", ""))
    if intake.serial and serial and intake.serial != serial:
        what = Words("serial", "序列号")
        raise _other_phone(_NOT_REGISTERED.fill(what=what, tail=intake.serial[-4:]), _RIGHT_TICKET)
    named = {"imei": imeis[0] if imeis else "", "serial": serial}
    named |= {"customer_name": known.get("name", ""), "customer_phone": known.get("phone", "")}
    return intake.model_copy(update={name: getattr(intake, name) or value for name, value in named.items()})


def taken_in(
    intake: Intake,
    phone: Identity | None,
    others: Iterable[tuple[str, Session]],
    known: Mapping[str, Any] = MappingProxyType({}),
) -> TakenIn:
    """What an intake says of the phone, checked against the phone itself and against the other open tickets.

    Args:
        known: the ticket's erasable data from its registration.

    Raises:
        Trouble: a wrong number, no identity at all, a phone that differs from what was typed, or one that another open
            ticket already has.
    """
    must_be_number(intake.ticket)
    typed = check_imei(intake.imei) if intake.imei else ""
    second = str(known.get("imei2", ""))
    told = phone or Identity()
    if typed and told.imeis and typed not in told.imeis:
        raise _other_phone(_OTHER_IMEI.fill(tail=typed[-4:]), _RIGHT_SLOT)
    if intake.serial and told.serial and intake.serial != told.serial:
        raise _other_phone(_OTHER_SERIAL.fill(tail=intake.serial[-4:]), _RIGHT_SLOT)
    imeis = tuple(dict.fromkeys(one for one in (typed, *told.imeis, second) if one))
    serial = safe_text(intake.serial or told.serial, 100)
    if not imeis and not serial:
        raise _wrong("ticket.no-identity", _NO_IDENTITY, _SCAN_OR_PLUG)
    refuse_twice(other_ticket(serial, imeis, others, but=intake.ticket))
    model = safe_text(intake.model or told.model, 200)
    return TakenIn(serial, imeis, model, safe_text(told.manufacturer, 200), str(known.get("meid", "")))


def other_ticket(
    serial: str, imeis: Sequence[str], others: Iterable[tuple[str, Session]], *, but: str | None = None
) -> str:
    """The ticket of `others` (other than `but`) that has this phone: one IMEI of it, else its serial; else empty."""
    for number, session in others:
        their_serial, theirs = identities(session)
        same = set(imeis) & set(theirs) or (not imeis and serial and serial == their_serial)
        if same and number != but:
            return number
    return ""


def refuse_twice(number: str) -> None:
    """Refuse a phone that is in the open ticket `number` already; empty stands for none.

    Raises:
        Trouble: it is.
    """
    if number:
        raise Trouble("ticket.twice", _TWICE.fill(ticket=number), Side.PERSON, _USE_IT.fill(ticket=number), EXIT_NO)


def _wrong(code: str, what: Words, next_step: Words) -> Trouble:
    return Trouble(code, what, Side.PERSON, next_step, EXIT_USE)


def _other_phone(what: Words, next_step: Words) -> Trouble:
    """The bench held two phones side by side, and the answer is no."""
    return Trouble("ticket.other-phone", what, Side.PERSON, next_step, EXIT_NO)


_IMEI_FORM = Words("{text} is not an IMEI: an IMEI has 15 digits", "{text} 不是 IMEI：应为 15 位数字")
_IMEI_DIGIT = Words("IMEI {text}: the check digit should be {digit}", "IMEI {text}：校验位应为 {digit}")
_MEID_FORM = Words("{text} is not a MEID: a MEID has 14 hexadecimal digits", "{text} 不是 MEID：应为 14 位十六进制数")
_MEID_DIGIT = Words("MEID {text}: the check digit should be {digit}", "MEID {text}：校验位应为 {digit}")
_SCAN_AGAIN = Words("Scan the label again, or dial *#06# and compare", "请重新扫码，或拨 *#06# 核对")
_BAD_NUMBER = Words("{ticket} can't be a ticket number", "{ticket} 不能作为工单号")
_NUMBER_FORM = Words(
    "Use letters, digits and dashes, at most 32; or leave it empty", "请使用字母、数字和连字符，最多 32 位；或留空"
)
_OTHER_IMEI = Words("The phone in the slot does not have the IMEI …{tail}", "槽位中的手机 IMEI 不是 …{tail}")
_OTHER_SERIAL = Words("The phone in the slot does not have the serial …{tail}", "槽位中的手机序列号不是 …{tail}")
_RIGHT_SLOT = Words("Check which phone this is, and which slot it is in", "请核对手机与槽位")
_NOT_REGISTERED = Words(
    "This ticket was registered for another phone: it does not have the {what} …{tail}",
    "该工单登记的是另一台手机：{what}不是 …{tail}",
)
_RIGHT_TICKET = Words("Check which ticket this phone belongs to", "请核对手机与工单")
_NO_IDENTITY = Words("Neither an IMEI nor a serial is known of this phone", "未获得该手机的 IMEI 或序列号")
_SCAN_OR_PLUG = Words("Scan the IMEI, or plug the phone in", "请扫描 IMEI，或接入手机")
_TWICE = Words("This phone is already in the open ticket {ticket}", "该手机已在未结工单 {ticket} 中")
_USE_IT = Words("Go on with {ticket}, or close it first", "请继续使用工单 {ticket}，或先关闭它")


# --- the list --------------------------------------------------------------------------------------------------------


def save(db: Database, session: Session) -> None:
    """Bring the ticket's row up to date with its session."""
    state = state_of(session)
    row = (session.ticket, session.opened_ms, session.model, state.value)
    db.execute(
        "INSERT INTO ticket (ticket, opened_ms, model, state, open) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (ticket) DO UPDATE SET model = excluded.model, state = excluded.state, open = excluded.open",
        [*row, int(state.open)],
    )


def open_tickets(db: Database) -> list[str]:
    """The numbers of the tickets whose phones are with the shop."""
    return [row["ticket"] for row in db.query("SELECT ticket FROM ticket WHERE open = 1 ORDER BY opened_ms")]


def open_now(db: Database, known: Iterable[tuple[str, Session]]) -> Iterator[tuple[str, Session]]:
    """The open tickets as they stand in this transaction, but those that can't be read.

    Args:
        known: the sessions of open tickets as they were a moment ago; only a ticket that was opened since, or whose
            phone was taken in since, is read again.
    """
    before = dict(known)
    for number, state in db.execute("SELECT ticket, state FROM ticket WHERE open = 1 ORDER BY opened_ms").fetchall():
        session = before.get(number)
        if session is None or (session.opened is None and state_of(session).value != state):
            try:
                session = fold(load(db, ticket=number))
            except Unreadable:  # set aside: whose phone it is, is not known
                continue
        yield number, session


def set_aside(db: Database) -> dict[str, Unreadable]:
    """The open tickets that can't be read, and whatever else of phones that were changed can't, each with its reason.

    It is what an engine sets aside when it starts.
    """
    aside: dict[str, Unreadable] = {}
    load(db, writes=True, aside=aside)
    for number in open_tickets(db):
        load(db, ticket=number, aside=aside)
    return aside


def rows(db: Database, text: str, limit: int) -> list[dict[str, Any]]:
    """The newest tickets whose number, model or state contains `text`."""
    like = "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"
    escape = " ESCAPE '\\'" if like != f"%{text}%" else ""  # SQLite takes twice as long with it, over 100,000 tickets
    query = (
        f"SELECT ticket, state, model, opened_ms FROM ticket WHERE ticket LIKE :like{escape}"  # noqa: S608 - ours
        f" OR model LIKE :like{escape} OR state LIKE :like{escape} ORDER BY opened_ms DESC, ticket DESC LIMIT :n"
    )
    return list(db.query(query, {"like": like, "n": max(1, min(limit, 1000))}))
