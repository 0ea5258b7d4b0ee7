"""The closed list of what can be with a ticket, and which record brings it there.

The state is a function of the session alone: every change of it is a signed record with its time. It knows no device,
no store and no screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import takewhile

from checklists.verdict import Stage
from drivers.text import Words
from station.events import Sealed
from station.session import Run, Session

__all__ = ["State", "grievance_open", "state_of", "states_of"]


class State(StrEnum):
    """The closed list of what can be with a ticket."""

    APPOINTED = "appointed"
    REGISTERED = "registered"
    RECEIVED = "received"
    DIAGNOSING = "diagnosing"
    WAITING_CUSTOMER = "waiting for the customer"
    WAITING_PARTS = "waiting for parts"
    IN_REPAIR = "in repair"
    SELF_CHECK_DUE = "self-check due"
    CROSS_CHECK_DUE = "cross-check due"
    AT_FACTORY = "at the factory"
    READY = "ready"
    DELIVERED = "delivered"
    UNREPAIRED = "returned unrepaired"
    EXCHANGED = "exchanged / returned"
    GRIEVANCE = "grievance open"
    CLOSED = "closed"

    @property
    def words(self) -> Words:
        """The state on screens and papers."""
        return Words(self.value, _ZH[self])

    @property
    def open(self) -> bool:
        """Whether the phone is still with the shop."""
        return self not in (State.DELIVERED, State.UNREPAIRED, State.EXCHANGED, State.CLOSED)


_ZH = {
    State.APPOINTED: "已预约",
    State.REGISTERED: "已受理",
    State.RECEIVED: "已接件",
    State.DIAGNOSING: "检测中",
    State.WAITING_CUSTOMER: "待确认",
    State.WAITING_PARTS: "待件",
    State.IN_REPAIR: "维修中",
    State.SELF_CHECK_DUE: "待自检",
    State.CROSS_CHECK_DUE: "待互检",
    State.AT_FACTORY: "返厂中",
    State.READY: "可取机",
    State.DELIVERED: "已取机",
    State.UNREPAIRED: "拒修退回",
    State.EXCHANGED: "换机 / 退机",
    State.GRIEVANCE: "投诉处理中",
    State.CLOSED: "已关闭",
}

#: Where a record of a kind and decision brings a ticket; the decision `*` stands for every other. Kinds that are not
#: here (sign-offs, waivers, notices, warranty decisions, ...) change nothing.
_LEADS: dict[tuple[str, str], State] = {
    ("registration", "appointed"): State.APPOINTED,
    ("registration", "*"): State.REGISTERED,
    ("intake", "*"): State.RECEIVED,
    ("confirmation", "differs"): State.WAITING_CUSTOMER,
    ("diagnosis", "no-fault-found"): State.WAITING_CUSTOMER,
    ("diagnosis", "*"): State.DIAGNOSING,
    ("plan", "*"): State.WAITING_CUSTOMER,
    ("consent", "agreed"): State.IN_REPAIR,
    ("consent", "observe"): State.DIAGNOSING,
    ("consent", "refused"): State.DIAGNOSING,
    ("consent", "return-unrepaired"): State.READY,
    ("parts-order", "ordered"): State.WAITING_PARTS,
    ("parts-order", "*"): State.IN_REPAIR,
    ("part-use", "*"): State.IN_REPAIR,
    ("repair", "*"): State.SELF_CHECK_DUE,
    ("send-out", "*"): State.AT_FACTORY,
    ("send-back", "*"): State.RECEIVED,
    ("release", "*"): State.READY,
    ("exchange", "*"): State.READY,
    ("delivery", "returned-unrepaired"): State.UNREPAIRED,
    ("delivery", "exchanged"): State.EXCHANGED,
    ("delivery", "*"): State.DELIVERED,
    ("follow-up", "reopened"): State.REGISTERED,
    ("erasure", "records-erased"): State.CLOSED,
    ("close", "*"): State.CLOSED,
}

#: What may come between the customer's "it differs" and the confirmation, and is not itself a step on the way.
_PASSING = frozenset({"appearance", "signoff", "amend", "consent-code", "notice", "clock", "authority"})


def state_of(session: Session) -> State:
    """What the session says of the ticket; a run that is not sealed yet counts as begun."""
    state = _first(session)
    for _, each in states_of(session):
        state = each
    return _begun(session, state)


def states_of(session: Session) -> Iterator[tuple[Sealed, State]]:
    """Every record that stands and the state after it, in order; a run that is not sealed yet changes nothing."""
    amended = {one.target for one in session.records if one.record == "amend/v1"}
    state = before = _first(session)
    for sealed in session.records:
        if sealed.digest in amended:
            continue
        kind = sealed.record.split("/")[0]
        if kind == "grievance":
            before = before if state is State.GRIEVANCE else state
            state = before if sealed.decision == "closed" else State.GRIEVANCE
        else:
            state = _after(session, state, kind, sealed)
        yield sealed, state


def grievance_open(session: Session) -> bool:
    """Whether a grievance was opened and not closed: evidence and personal data are held for it."""
    amended = {one.target for one in session.records if one.record == "amend/v1"}
    said = [one.decision for one in session.records if one.record == "grievance/v1" and one.digest not in amended]
    return bool(said) and said[-1] != "closed"


def _first(session: Session) -> State:
    return State.RECEIVED if session.opened else State.REGISTERED


def _after(session: Session, state: State, kind: str, sealed: Sealed) -> State:
    if kind == "run":
        if sealed.stage == Stage.SELF_CHECK:
            return State.SELF_CHECK_DUE
        return state if sealed.stage == Stage.CROSS_CHECK else _looked_at(state)
    if kind == "signoff":
        own = session.latest_run(Stage.SELF_CHECK, sealed=True)
        mine = own is not None and own.record is not None and own.record.digest == sealed.target
        return State.CROSS_CHECK_DUE if mine and sealed.meaning == "performed" else state
    if kind == "confirmation" and sealed.decision == "confirmed":
        return State.RECEIVED if _differed(session, sealed) else state
    return _LEADS.get((kind, sealed.decision), _LEADS.get((kind, "*"), state))


def _differed(session: Session, confirmed: Sealed) -> bool:
    """Whether the customer had said that something differs, and only the appearance was recorded anew since."""
    before = takewhile(lambda one: one is not confirmed, session.records)
    said = [one for one in before if one.record.split("/")[0] not in _PASSING]
    return bool(said) and said[-1].decision == "differs"


def _looked_at(state: State) -> State:
    """A run at intake or for a diagnosis begins the diagnosis, and changes nothing later on."""
    return State.DIAGNOSING if state in (State.RECEIVED, State.REGISTERED) else state


def _begun(session: Session, state: State) -> State:
    last: Run | None = next(reversed(list(session.runs.values())), None)
    if last is None or last.record is not None:
        return state
    if last.opened.stage == Stage.SELF_CHECK:
        return State.SELF_CHECK_DUE
    return state if last.opened.stage == Stage.CROSS_CHECK else _looked_at(state)
