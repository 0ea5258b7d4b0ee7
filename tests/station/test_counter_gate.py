"""When a test may begin: after the newest word of the customer about the newest record of how the phone came."""

from __future__ import annotations

import pytest

from station.counter.gate import why_untested
from station.events import Sealed
from station.journal import event
from station.session import Session, fold
from station.states import State, state_of


def session(*told: str) -> Session:
    """A ticket with these records: `kind`, `kind:decision`, or `amend>N` that takes the N-th of them out."""
    records = []
    for at, one in enumerate(told):
        kind, _, target = one.partition(">")
        kind, _, decision = kind.partition(":")
        digest = f"d{target}" if target else ""
        records.append(
            Sealed(record=f"{kind}/v1", digest=f"d{at}", seq=at + 1, person="tech", decision=decision, target=digest)
        )
    return fold([event(one, "T1") for one in records])


@pytest.mark.parametrize(
    ("records", "why"),
    [
        (["intake"], None),
        (["intake", "run"], None),
        (["registration:registered", "intake"], "has not confirmed"),
        (["intake", "appearance"], "has not confirmed"),
        (["registration:registered", "intake", "confirmation:confirmed"], None),
        (["registration:registered", "intake", "confirmation:confirmed", "appearance"], "recorded anew"),
        (["intake", "appearance", "confirmation:differs"], "something differs"),
        (["intake", "appearance", "confirmation:differs", "appearance"], "recorded anew"),
        (["intake", "appearance", "confirmation:differs", "appearance", "confirmation:confirmed"], None),
        (["intake", "appearance", "confirmation:confirmed", "amend>2"], "has not confirmed"),
        (["intake", "appearance", "amend>1"], None),
        (["intake", "appearance", "confirmation:confirmed", "send-out:sent", "send-back:back", "appearance"], None),
    ],
)
def test_the_customer_s_newest_word_decides(records: list[str], why: str | None) -> None:
    found = why_untested(session(*records))
    assert found is None if why is None else found is not None and why in found.en


def test_a_confirmation_leads_back_only_from_a_difference() -> None:
    seen = ["registration:registered", "intake", "appearance", "confirmation:differs", "signoff"]
    assert state_of(session(*seen)) is State.WAITING_CUSTOMER
    assert state_of(session(*seen, "appearance", "signoff", "confirmation:confirmed")) is State.RECEIVED
    planned = ["registration:registered", "intake", "plan", "confirmation:confirmed"]
    assert state_of(session(*planned)) is State.WAITING_CUSTOMER
