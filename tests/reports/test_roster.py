"""Who may sign as what: enrolment, rotation, retirement, revocation, compromise, and everything that is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from records_builder import NAMES, START_MS, HeadOffice, Shop, good_case

from checklists.verdict import Stage
from reports.attest import Record, assemble_envelope, generate_key, key_id, open_record, public_raw, sign, sign_envelope
from reports.predicates import KeyV1, RoleV1
from reports.record import canonical
from reports.roster import Roster, RosterError

LEAD = (RoleV1(role="lead", from_ms=START_MS, to_ms=None),)


def record(envelope: bytes) -> Record:
    return open_record(envelope)


def test_the_roster_says_who_has_which_role_and_key() -> None:
    shop = Shop()
    roster = shop.roster
    assert roster.problems == ()
    assert (roster.station, roster.shop, roster.simulated) == ("bench-1", "shop-1", True)
    assert roster.genesis == record(shop.events[0]).digest
    assert {name: person.printed_name for name, person in roster.persons.items()} == {
        name: NAMES[name] for name in ("zhao", "wang", "li", "chen")
    }
    assert roster.may("wang", "technician", shop.now_ms)
    assert not roster.may("wang", "inspector", shop.now_ms)
    assert not roster.may("wang", "technician", START_MS - 1)
    key = roster.current_key("wang")
    assert key
    assert key.id == key_id(public_raw(shop.keys["wang"]))


def test_every_record_of_a_good_ticket_is_signed_as_it_must() -> None:
    case = good_case()
    roster = case.shop.roster
    for envelope in case.envelopes:
        assert roster.check(record(envelope))


# --- enrolment that may not be ---


def refused(roster: Roster, envelope: bytes, match: str) -> None:
    with pytest.raises(RosterError, match=match):
        roster.apply(record(envelope))


def test_the_first_event_must_be_the_stations_own_enrolment() -> None:
    shop = Shop()
    refused(Roster(), shop.events[1], "first record must enrol the station")
    stranger = generate_key()
    refused(Roster(), shop.key_event("enrol", "bench-1", kind="station", signers=(stranger,)), "unknown key")
    two = shop.key_event("enrol", "bench-1", kind="station", signers=("bench-1", stranger))
    refused(Roster(), two, "unknown key")


def test_a_second_station_and_a_second_enrolment_are_refused() -> None:
    shop = Shop()
    refused(shop.roster, shop.events[0], "enrolled once")


def test_a_key_that_does_not_sign_its_own_enrolment_is_refused() -> None:
    shop = Shop()
    shop.keys["new"] = generate_key()
    NAMES["new"] = "New"
    event = shop.key_event("enrol", "new", signers=("bench-1", "zhao"), approved_by="zhao", roles=LEAD)
    refused(shop.roster, event, "not signed by those")


@pytest.mark.parametrize("approver", ["wang", "bench-1", "nobody"])
def test_only_a_lead_may_approve_a_person(approver: str) -> None:
    shop = Shop()
    shop.keys["nobody"] = generate_key()
    event = shop.enrolment("new", ("technician",), approver)
    with pytest.raises(RosterError):
        shop.roster.apply(record(event))


def test_the_station_approves_only_the_first_lead() -> None:
    shop = Shop()
    refused(shop.roster, shop.enrolment("boss", ("lead",), "bench-1"), "not signed by those")
    fresh = Roster.fold(shop.events[:1])
    refused(fresh, shop.enrolment("wei", ("technician",), "bench-1"), "not signed by those")
    fresh.apply(record(shop.enrolment("boss2", ("lead",), "bench-1")))


def test_one_key_cannot_be_enrolled_for_two_people_nor_for_a_station_and_a_person() -> None:
    shop = Shop()
    NAMES["twin"] = "Twin"
    for owner in ("wang", "bench-1"):
        signers = tuple(sorted({"bench-1", "zhao", owner}))
        held = shop.keys[owner]
        event = shop.key_event("enrol", "twin", key=held, signers=signers, approved_by="zhao", roles=LEAD)
        refused(shop.roster, event, "belongs to")


def test_one_person_id_cannot_be_enrolled_twice() -> None:
    shop = Shop()
    shop.keys["wang"] = generate_key()
    refused(shop.roster, shop.enrolment("wang", ("inspector",), "zhao"), "enrolled already")


def test_a_small_order_key_is_refused_at_enrolment() -> None:
    shop = Shop()
    identity = (1).to_bytes(32, "little")
    event = shop.key_event(
        "enrol",
        "bench-1",
        kind="station",
        signers=("bench-1",),
    )
    predicate = record(event).statement.raw
    weak = {**predicate, "key": {**predicate["key"], "public": identity.hex(), "id": key_id(identity)}}
    whole = canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "key", "digest": {"sha256": key_id(identity)}}],
            "predicateType": "urn:assay:key-event/v1",
            "predicate": weak,
        }
    )
    forged = assemble_envelope(whole, [(key_id(identity), identity + bytes(32))])
    refused(Roster(), forged, "small order")


def test_a_key_id_that_is_not_the_keys_is_refused() -> None:
    shop = Shop()
    held = generate_key()
    wrong = KeyV1(algorithm="ed25519", public=public_raw(held).hex(), id="a" * 64, level=1)
    shop.keys["new"] = held
    NAMES["new"] = "New"
    event = shop.key_event("enrol", "new", signers=("bench-1", "new", "zhao"), approved_by="zhao", roles=LEAD, key=held)
    raw = record(event).statement.raw
    payload = canonical(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "key", "digest": {"sha256": wrong.id}}],
            "predicateType": "urn:assay:key-event/v1",
            "predicate": {**raw, "key": wrong.model_dump(mode="json")},
        }
    )
    refused(shop.roster, sign_envelope(payload, [shop.keys[n] for n in ("bench-1", "zhao")]), "does not belong")


def test_a_name_with_invisible_signs_is_refused() -> None:
    shop = Shop()
    for name in ("Wang\u200b", " Wang", "\u202egnaW"):
        refused(shop.roster, shop.enrolment("new", ("technician",), "zhao", printed_name=name), "invisible")


def test_simulated_and_real_never_mix() -> None:
    shop, real = Shop(), Shop(simulated=False)
    real.keys = shop.keys
    refused(shop.roster, real.enrolment("new", ("technician",), "zhao"), "simulated and real")
    with pytest.raises(RosterError, match="simulated and real"):
        shop.roster.check(record(real.intake()))


def test_an_event_that_may_not_be_is_left_out_and_named() -> None:
    shop = Shop()
    wrong = shop.enrolment("thief", ("lead",), "wang")
    roster = Roster.fold([*shop.events, wrong, b"garbage"])
    assert "thief" not in roster.persons
    assert [problem.index for problem in roster.problems] == [5, 6]
    assert roster.problems[0].digest == record(wrong).digest


# --- the life of a key ---


def rotated(shop: Shop, person: str = "wang", approved_by: str | None = None) -> bytes:
    old, new = shop.keys[person], generate_key()
    shop.keys[person] = new
    approver = approved_by or person
    signers: tuple[Any, ...] = (shop.station, new, old if approver == person else approver)
    event = shop.key_event("rotate", person, signers=signers, replaces=key_id(public_raw(old)), approved_by=approver)
    shop.events.append(event)
    return event


def test_a_rotated_key_keeps_its_old_signatures_and_signs_nothing_new() -> None:
    case = good_case()
    shop = case.shop
    old = shop.keys["wang"]
    rotated(shop)
    roster = shop.roster
    assert roster.problems == ()
    assert case.decide().released
    new_key = shop.keys["wang"]
    run = shop.run(Stage.SELF_CHECK, "wang")
    roster.check(record(shop.signoff(run, "wang", "technician", "performed")))
    shop.keys["wang"] = old
    with pytest.raises(RosterError, match="was replaced"):
        roster.check(record(shop.signoff(run, "wang", "technician", "performed")))
    shop.keys["wang"] = new_key


def test_a_lost_key_is_replaced_by_a_lead() -> None:
    shop = Shop()
    rotated(shop, "wang", approved_by="zhao")
    assert shop.roster.problems == ()
    key = shop.roster.current_key("wang")
    assert key
    assert key.id == key_id(public_raw(shop.keys["wang"]))


def test_a_rotation_without_the_old_key_or_a_lead_is_refused() -> None:
    shop = Shop()
    new = generate_key()
    for approver, signers in (("wang", ("bench-1", new)), ("li", ("bench-1", new, "li"))):
        event = shop.key_event(
            "rotate",
            "wang",
            key=new,
            signers=signers,
            replaces=key_id(public_raw(shop.keys["wang"])),
            approved_by=approver,
        )
        refused(shop.roster, event, "not signed by those")


def test_the_stations_key_is_rotated_by_old_and_new_key_together() -> None:
    shop = Shop()
    old, new = shop.keys["bench-1"], generate_key()
    alone = shop.key_event(
        "rotate", "bench-1", kind="station", key=new, signers=(new,), replaces=key_id(public_raw(old))
    )
    refused(shop.roster, alone, "not signed by those")
    event = shop.key_event(
        "rotate", "bench-1", kind="station", key=new, signers=(old, new), replaces=key_id(public_raw(old))
    )
    roster = shop.roster.apply(record(event))
    shop.keys["bench-1"] = new
    roster.check(record(shop.intake()))
    shop.keys["bench-1"] = old
    with pytest.raises(RosterError, match="was replaced"):
        roster.check(record(shop.intake()))


def ended(shop: Shop, how: str, person: str, at_ms: int, by: str = "zhao") -> bytes:
    event = shop.key_event(how, person, signers=(shop.station, by), approved_by=by, at_ms=at_ms)
    shop.events.append(event)
    return event


def test_after_retirement_what_was_signed_before_stays_good() -> None:
    case = good_case()
    ended(case.shop, "retire", "wang", case.shop.now_ms)
    assert case.decide().released
    run = case.shop.run(Stage.SELF_CHECK, "wang")
    with pytest.raises(RosterError, match="was retired"):
        case.shop.roster.check(record(case.shop.signoff(run, "wang", "technician", "performed")))


@pytest.mark.parametrize(("how", "words"), [("revoke", "was revoked"), ("compromise", "was reported as compromised")])
def test_after_revocation_or_compromise_only_a_receipt_shows_that_a_signature_is_older(how: str, words: str) -> None:
    case = good_case()
    at_ms = case.shop.now_ms + 60_000
    signed = record(case.envelopes[1])  # the technician's sign-off of the intake
    ended(case.shop, how, "wang", at_ms)
    roster = case.shop.roster
    for received_ms in (None, at_ms, at_ms + 1):
        with pytest.raises(RosterError, match=words):
            roster.check(signed, received_ms=received_ms)
    assert roster.check(signed, received_ms=at_ms - 1)
    times = {record(envelope).digest: at_ms - 1 for envelope in case.envelopes}
    assert case.decide(received_ms=times).released
    assert case.decide().codes.count("record") == 2


def test_a_backdated_signature_after_a_compromise_is_refused_whatever_its_clock_says() -> None:
    case = good_case()
    ended(case.shop, "compromise", "wang", case.shop.now_ms - 1)
    case.shop.now_ms = START_MS + 5000
    backdated = case.shop.signoff(case.envelopes[3], "wang", "technician", "performed")
    with pytest.raises(RosterError, match="compromised"):
        case.shop.roster.check(record(backdated))


def test_a_compromise_may_be_reported_of_a_key_that_was_replaced_before() -> None:
    shop = Shop()
    old = shop.keys["wang"]
    rotated(shop)
    by_lead: dict[str, Any] = {"key": old, "signers": ("bench-1", "zhao"), "approved_by": "zhao"}
    event = shop.key_event("compromise", "wang", at_ms=START_MS, **by_lead)
    roster = shop.roster.apply(record(event))
    end = roster.keys[key_id(public_raw(old))].end
    assert end
    assert (end.how, end.at_ms) == ("compromised", START_MS)
    assert roster.current_key("wang")
    again = shop.key_event("retire", "wang", **by_lead)
    refused(roster, again, "before")


def test_somebody_else_cannot_end_a_key_but_its_holder_can_report_it() -> None:
    shop = Shop()
    refused(
        shop.roster, shop.key_event("compromise", "wang", signers=("bench-1", "li"), approved_by="li"), "not signed"
    )
    event = shop.key_event("compromise", "wang", signers=("bench-1", "wang"), approved_by="wang")
    assert shop.roster.apply(record(event)).current_key("wang") is None


def test_roles_change_from_now_on_and_never_for_the_past() -> None:
    shop = Shop()

    def change(at_ms: int, from_ms: int) -> bytes:
        roles = (RoleV1(role="inspector", from_ms=from_ms, to_ms=None),)
        return shop.key_event(
            "roles", "wang", signers=("bench-1", "zhao"), approved_by="zhao", at_ms=at_ms, roles=roles
        )

    later = shop.now_ms + 60_000
    roster = shop.roster.apply(record(change(later, later)))
    assert roster.may("wang", "technician", later - 1)
    assert not roster.may("wang", "technician", later)
    assert roster.may("wang", "inspector", later)
    refused(shop.roster, change(START_MS, START_MS), "past")
    refused(shop.roster, change(later, START_MS), "past")


# --- records that are not signed as they must be ---


def test_a_sign_off_outside_the_role_or_its_time_is_refused() -> None:
    shop = Shop()
    run = shop.run(Stage.SELF_CHECK, "wang")
    cases: list[tuple[str, Callable[[], bytes]]] = [
        ("role", lambda: shop.signoff(run, "wang", "inspector", "verified")),
        ("role", lambda: shop.signoff(run, "wang", "technician", "performed", signed_ms=START_MS - 1)),
        ("prints the name", lambda: shop.signoff(run, "wang", "technician", "performed", printed_name="Li Wei 李伟")),
        ("key level", lambda: shop.signoff(run, "wang", "technician", "performed", key_level=2)),
    ]
    for match, make in cases:
        with pytest.raises(RosterError, match=match):
            shop.roster.check(record(make()))


def test_an_expired_role_signs_nothing() -> None:
    shop = Shop()
    soon = shop.now_ms + 10_000
    grants = (RoleV1(role="technician", from_ms=START_MS, to_ms=soon),)
    shop.enrol("temp", ("technician",), roles=grants)
    run = shop.run(Stage.SELF_CHECK, "temp")
    shop.roster.check(record(shop.signoff(run, "temp", "technician", "performed", signed_ms=soon - 1)))
    with pytest.raises(RosterError, match="role"):
        shop.roster.check(record(shop.signoff(run, "temp", "technician", "performed", signed_ms=soon)))


def test_missing_extra_unknown_or_wrong_signatures_are_refused() -> None:
    shop = Shop()
    roster, run = shop.roster, shop.run(Stage.SELF_CHECK, "wang")
    payload = record(shop.signoff(run, "wang", "technician", "performed")).envelope.payload
    station, wang, li = (sign(payload, shop.keys[name]) for name in ("bench-1", "wang", "li"))
    stranger = sign(payload, generate_key())
    roster.check(record(assemble_envelope(payload, [station, wang])))
    for signatures, match in (
        ([station], "it must be"),
        ([wang], "it must be"),
        ([station, wang, li], "it must be"),
        ([station, li], "it must be"),
        ([station, wang, stranger], "unknown key"),
        ([station, (wang[0], li[1])], "does not fit"),
    ):
        with pytest.raises(RosterError, match=match):
            roster.check(record(assemble_envelope(payload, signatures)))


def test_a_run_signed_by_a_person_as_well_is_refused() -> None:
    shop = Shop()
    payload = record(shop.run(Stage.SELF_CHECK, "wang")).envelope.payload
    both = sign_envelope(payload, [shop.keys["bench-1"], shop.keys["wang"]])
    with pytest.raises(RosterError, match="it must be"):
        shop.roster.check(record(both))


def test_a_record_of_another_station_or_shop_is_refused() -> None:
    shop = Shop()
    for other in (Shop(station="bench-2"), Shop(shop="shop-2")):
        other.keys[other.station] = shop.keys["bench-1"]
        with pytest.raises(RosterError, match="belongs to station"):
            shop.roster.check(record(other.intake()))


def test_receipts_and_key_events_are_not_checked_like_records() -> None:
    shop, office = Shop(), HeadOffice()
    for envelope in (shop.events[1], office.receipt(shop, [(1, "a" * 64)], None)):
        with pytest.raises(RosterError, match="not checked here"):
            shop.roster.check(record(envelope))
