"""The counter: registering, taking over into the intake, appearance, the customer's confirmation; what stops each."""

from __future__ import annotations

import datetime
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from station import messages as m
from station import vault
from station.errors import Trouble
from station.states import State, state_of
from tests.station.counter_bench import ASKS, FACES, LOOKS, OWNER, SAYS, Counter, open_counter
from tests.station.station_bench import IMEI, Phone, send

OTHER_IMEI, BAD_IMEI = "490154203237518", "490154203237517"
LATER = (datetime.datetime.now() + datetime.timedelta(days=3)).strftime("%Y-%m-%d %H:%M")
PAPERS: dict[str, Any] = {
    "invoice": "shown",
    "invoice_date": "2025-06-11",
    "invoice_seller": "Phones & More Ltd.",
    "invoice_holds": "legible unaltered model imei",
    "card": "shown",
    "card_date": "2025-06-11",
    "card_seller": "PHONES & MORE LTD",
    "card_holds": "legible unaltered model imei",
}


@pytest.fixture
async def counter(tmp_path: Path) -> AsyncIterator[Counter]:
    async with open_counter(tmp_path) as found:
        yield found


async def received(counter: Counter, **fields: Any) -> str:
    """A ticket that was registered and taken in."""
    ticket = (await counter.register(**fields))["ticket"]
    return await counter.take_in(ticket)


async def refused(code: str, words: str, done: Any) -> Trouble:
    with pytest.raises(Trouble, match=words) as found:
        await done
    assert found.value.code == code
    assert found.value.what.zh != found.value.what.en
    return found.value


# --- registration ----------------------------------------------------------------------------------------------------


async def test_a_registration_opens_a_ticket_that_lists_and_searches_show(counter: Counter) -> None:
    ticket = (await counter.register(symptoms="slow", qualifiers="when-warm", promised=LATER))["ticket"]
    rows = (await send(counter.client, m.TicketsQuery(text="Phone 1")))["tickets"]
    assert [(row["ticket"], row["state"]) for row in rows] == [(ticket, "registered")]
    made = await counter.stated(ticket, "registration")
    assert (made.decision, made.symptoms, made.qualifiers) == ("registered", ("slow",), ("when-warm",))
    view = await send(counter.client, m.TicketQuery(ticket=ticket))
    assert view["complaint"] == ASKS["complaint"]


async def test_names_telephones_and_numbers_stand_in_no_record_and_can_be_erased(counter: Counter) -> None:
    people = {
        "bringer_name": "李雷",
        "bringer_phone": "13900139000",
        "bringer_relation": "spouse",
        "bringer_authority": "id-shown relation",
        "collector_name": "Han Meimei",
        "collector_authority": "call",
        "waybill": "SF1234567890",
        "invoice_number": "INV-778899",
        **PAPERS,
    }
    told = "李雷 says that 王芳 dropped it, call 13900139000"
    ticket = await received(counter, channel="mail-in", complaint=told, serial="SER0001", **people)
    raw = await counter.envelopes(ticket)
    journal = await counter.engine.store.read(
        lambda db: "".join(row["body"] for row in db.query("SELECT body FROM journal"))
    )
    secrets = (OWNER, "李雷", "Han Meimei", "13800138000", "13900139000", IMEI, "SER0001", "SF1234567890", "INV-778899")
    for secret in secrets:
        assert secret.encode() not in raw, secret
        assert secret not in journal, secret
    kept = await counter.engine.store.read(lambda db: vault.personal(db, ticket))
    assert (kept["name"], kept["bringer_name"], kept["collector_name"]) == (OWNER, "李雷", "Han Meimei")
    assert (await counter.stated(ticket, "registration")).complaint == "… says that … dropped it, call …9000"
    await counter.engine.store.write(lambda db: vault.erase(db, ticket))
    assert await counter.engine.store.read(lambda db: vault.personal(db, ticket)) == {}


async def test_an_appointment_waits_until_the_phone_comes(counter: Counter) -> None:
    ticket = (await counter.register(channel="online", appointment=LATER))["ticket"]
    assert state_of(counter.engine.work.sessions[ticket]) is State.APPOINTED
    await counter.take_in(ticket)
    assert state_of(counter.engine.work.sessions[ticket]) is State.RECEIVED


async def test_times_that_can_not_be_are_refused(counter: Counter) -> None:
    await refused("registration.appointment", "on-site visit needs", counter.register(channel="on-site"))
    past = counter.register(appointment="2020-01-01 10:00")
    await refused("registration.appointment", "appointment: this time", past)
    before = counter.register(appointment=LATER, promised="2020-01-01 10:00")
    await refused("registration.promised", "promised time: this time", before)
    future = counter.register(**{**PAPERS, "invoice_date": "2999-01-01"})
    await refused("registration.date", "lies in the future", future)


async def test_who_is_not_the_owner_needs_authority(counter: Counter) -> None:
    nobody = counter.register(bringer_name="李雷")
    trouble = await refused("registration.authority", "bringer is not the owner", nobody)
    assert trouble.what.zh == "送修人不是机主，且没有授权依据"
    await refused("registration.party", "telephone without a name", counter.register(collector_phone="13900139000"))
    related = counter.register(collector_name="李雷", collector_authority="relation")
    await refused("registration.authority", "which relation", related)
    letter = {"bringer_name": "李雷", "bringer_authority": "letter", "bringer_relation": "friend"}
    await refused("registration.letter", "letter is not among the papers", counter.register(**letter))
    done = await counter.register(**letter, papers=[counter.file("李雷.jpg")])
    made = await counter.stated(done["ticket"], "registration")
    assert (made.bringer.relation, made.bringer.authority) == ("friend", ("letter",))
    assert [one.name for one in made.evidence] == ["paper-1.jpg"]
    assert "stands for the owner" in done["says"][1][0]


async def test_the_owner_who_brings_it_in_person_is_nobody_else(counter: Counter) -> None:
    ticket = (await counter.register(bringer_name=OWNER, bringer_phone="138-0013-8000"))["ticket"]
    assert (await counter.stated(ticket, "registration")).bringer is None


async def test_numbers_with_a_wrong_check_digit_are_refused(counter: Counter) -> None:
    await refused("ticket.imei", "check digit should be 8", counter.register(imei=BAD_IMEI))
    await refused("ticket.meid", "check digit should be", counter.register(meid="A100000012345A9"))
    await refused("ticket.meid", "14 hexadecimal digits", counter.register(meid="A1000000"))
    await refused("counter.telephone", "not a telephone", counter.register(owner_phone="call me"))
    ticket = (await counter.register(imei="", meid="af 01 23 45 0abcde c"))["ticket"]
    made = await counter.stated(ticket, "registration")
    assert [one.kind for one in made.identities] == ["meid"]


async def test_a_passcode_is_never_written_down(counter: Counter) -> None:
    for text in ("passcode: 4711", "her PIN is 123456", "锁屏密码是 8888", "Password = 20011231"):
        await refused("counter.passcode", "passcode is never written", counter.register(complaint=text))
    await counter.register(complaint="asks for the PIN all day; spin class at 1830, 2 pins bent")


async def test_one_imei_is_not_registered_twice(counter: Counter) -> None:
    ticket = (await counter.register(imei2=OTHER_IMEI))["ticket"]
    trouble = await refused("ticket.twice", f"open ticket {ticket}", counter.register(imei=OTHER_IMEI))
    assert ticket in trouble.next_step.en
    again = await counter.act(
        "register", ticket, **{**ASKS, "promised": LATER}
    )  # the same ticket is mended, not another
    assert again["ticket"] == ticket
    await refused("ticket.twice", f"open ticket {ticket}", counter.take_in("T-OTHER", plugged=False, imei=IMEI))


async def test_an_imei_of_a_phone_that_was_taken_in_is_not_registered(counter: Counter) -> None:
    ticket = await counter.take_in()
    await refused("ticket.twice", f"open ticket {ticket}", counter.register())
    await refused("step.not-now", "taken in already", counter.act("register", ticket, **ASKS))


async def test_good_papers_say_so_and_bad_ones_say_what_follows(counter: Counter) -> None:
    done = await counter.register(**PAPERS)
    made = await counter.stated(done["ticket"], "registration")
    assert {one.fact: one.follows for one in made.purchase.facts if one.follows != "nothing"} == {}
    assert (made.purchase.sold, made.purchase.sold_by) == ("2025-06-11", "invoice")
    bad = {
        **PAPERS,
        "imei": OTHER_IMEI,
        "card_holds": "legible model",
        "card_date": "2025-06-12",
        "invoice_holds": "legible unaltered model",
    }
    done = await counter.register(**bad)
    made = await counter.stated(done["ticket"], "registration")
    follows = {one.fact: one.follows for one in made.purchase.facts if one.follows != "nothing"}
    assert follows == {
        "invoice-imei": "no-proof",
        "card-unaltered": "outside",
        "card-imei": "outside",
        "dates-equal": "clarify",
    }
    said = " | ".join(line[0] for line in done["says"])
    assert "the warranty card is unaltered; while it is so the phone is outside 三包" in said
    assert "same date of sale; to be cleared with the seller" in said


async def test_what_stands_on_a_paper_that_was_not_shown_is_refused(counter: Counter) -> None:
    absent = counter.register(card="lost", card_date="2025-06-11")
    await refused("registration.paper", "warranty card: it was not shown", absent)


async def test_first_hints_are_shown_for_software_faults_and_none_where_it_is_dangerous(counter: Counter) -> None:
    done = await counter.register(symptoms=["storage-full-message", "slow"])
    said = [line[0] for line in done["says"]]
    assert any("make room in the storage: 1. Settings" in line for line in said)
    made = await counter.stated(done["ticket"], "registration")
    assert made.hints.shown == ("restart", "free-storage")
    done = await counter.register(imei=OTHER_IMEI, symptoms=["swollen", "slow"])
    assert "Do not try anything" in done["says"][-1][0]
    assert (await counter.stated(done["ticket"], "registration")).hints.shown == ()


# --- what the intake takes over ---------------------------------------------------------------------------------------


async def test_the_intake_takes_over_what_registration_knows(counter: Counter) -> None:
    ticket = (await counter.register(symptoms="slow", imei2=OTHER_IMEI, serial="SER0001"))["ticket"]
    assert await counter.take_in(plugged=False, imei=IMEI) == ticket  # the scan of its IMEI finds the ticket
    intake = await counter.stated(ticket, "intake")
    assert (intake.complaint, intake.symptoms, intake.model) == (ASKS["complaint"], ("slow",), "Phone 1")
    assert [one.kind for one in intake.identities] == ["imei", "imei", "serial"]
    asked = await counter.stated(ticket, "registration")
    assert intake.customer == asked.owner
    assert intake.identities == asked.identities


async def test_a_phone_that_is_plugged_in_is_taken_in_under_its_registration(counter: Counter) -> None:
    ticket = (await counter.register())["ticket"]
    assert await counter.take_in() == ticket


async def test_the_wrong_phone_is_not_taken_in(counter: Counter) -> None:
    ticket = (await counter.register(imei=OTHER_IMEI))["ticket"]
    plugged = counter.take_in(ticket)
    await refused("ticket.other-phone", "does not have the IMEI …7518", plugged)
    typed = counter.take_in(ticket, plugged=False, imei=IMEI)
    await refused("ticket.other-phone", "registered for another phone", typed)


async def test_a_ticket_of_the_older_way_can_still_be_registered_and_taken_in(counter: Counter) -> None:
    told = m.NewTicket(model="Phone 1", complaint="slow", customer_name=OWNER, person="tech")
    ticket = (await send(counter.client, told))["ticket"]
    assert await counter.take_in(ticket) == ticket
    assert await counter.start(ticket)


# --- appearance ------------------------------------------------------------------------------------------------------


async def test_appearance_needs_the_phone_and_all_six_faces(counter: Counter) -> None:
    ticket = (await counter.register())["ticket"]
    await refused("step.not-now", "not taken in", counter.act("appearance", ticket, **LOOKS))
    await counter.take_in(ticket)
    four = counter.act("appearance", ticket, **{**LOOKS, "faces": FACES[:4]})
    await refused("appearance.faces", "Not looked at yet: top, bottom", four)


async def test_marks_have_a_place_a_size_and_a_picture(counter: Counter) -> None:
    ticket = await received(counter)
    mark = {"face": "back", "kind": "dent", "x": 120, "y": 900, "size": "medium", "note": "corner"}
    bare = counter.act("appearance", ticket, **LOOKS, marks=[mark])
    await refused("appearance.photos", "picture is missing: back", bare)
    photo = counter.file("王芳 back.png")
    outside = counter.act("appearance", ticket, **LOOKS, marks=[{**mark, "y": 1001}], photo_back=[photo])
    await refused("appearance.place", "outside of the outline", outside)
    text = counter.act("appearance", ticket, **LOOKS, marks=[mark], photo_back=[counter.file("back.txt")])
    await refused("counter.file", "image/ is needed", text)
    fields = {**LOOKS, "accessories": ["charger; 1; worn", "case"], "left_in": "sim", "photo_back": [photo]}
    done = await counter.act("appearance", ticket, **fields, marks=[mark], box=f"IMEI: {IMEI}")
    made = await counter.stated(ticket, "appearance")
    assert [len(face.marks) for face in made.faces] == [0, 1, 0, 0, 0, 0]
    assert made.faces[1].photos[0].name == "back-1.png"
    assert [(one.what, one.count) for one in made.accessories] == [("charger", 1), ("case", 1)]
    said = [line[0] for line in done["says"]]
    assert "back: dent (medium, to 10 mm) at 120/900 ‰; photos: 1" in said
    assert "the phone's identity agrees: ticket, box" in said
    assert "its identity was not read: device, tray" in said


async def test_identity_agrees_at_four_places_or_the_ticket_stops(counter: Counter) -> None:
    ticket = await received(counter, imei2=OTHER_IMEI, serial="SER0001")
    third = "012345678901237"
    wrong_box = counter.act("appearance", ticket, **LOOKS, box=third)
    trouble = await refused("appearance.identity", "ticket and box name different phones", wrong_box)
    assert trouble.what.zh == "工单与包装盒的手机身份不一致"
    await refused("ticket.imei", "check digit", counter.act("appearance", ticket, **LOOKS, tray=BAD_IMEI))
    tray = counter.act("appearance", ticket, **LOOKS, box=IMEI, tray="SN: OTHER")
    await refused("appearance.identity", "ticket and tray name", tray)
    assert await counter.records(ticket, "appearance") == []
    await counter.act("appearance", ticket, **LOOKS, device=OTHER_IMEI, box=IMEI, tray="S/N SER0001")
    made = await counter.stated(ticket, "appearance")
    assert [(one.place, one.kind) for one in made.identity] == [
        ("ticket", "imei"),
        ("device", "imei"),
        ("box", "imei"),
        ("tray", "serial"),
    ]


async def test_box_and_tray_are_compared_where_the_ticket_knows_neither(tmp_path: Path) -> None:
    async with open_counter(tmp_path, Phone(imeis=())) as counter:
        ticket = await counter.take_in()
        both = counter.act("appearance", ticket, **LOOKS, box=IMEI, tray=OTHER_IMEI)
        await refused("appearance.identity", "box and tray name", both)


async def test_the_newest_run_says_what_the_device_is(counter: Counter) -> None:
    ticket = await counter.take_in()
    await counter.start(ticket)
    await counter.act("appearance", ticket, **LOOKS)
    made = await counter.stated(ticket, "appearance")
    assert [one.place for one in made.identity if one.seen] == ["ticket", "device"]


async def test_a_phone_that_was_sent_in_is_unpacked_before_a_camera(counter: Counter) -> None:
    ticket = await received(counter, channel="mail-in", waybill="SF100")
    await refused(
        "appearance.unpacking", "its film or pictures are missing", counter.act("appearance", ticket, **LOOKS)
    )
    film = counter.file("unpacking.mp4")
    await refused("appearance.seal", "seal was", counter.act("appearance", ticket, **LOOKS, unpacking=[film]))
    other = counter.act("appearance", ticket, **LOOKS, unpacking=[film], seal="intact", waybill="SF999")
    await refused("appearance.waybill", "not the registered one", other)
    await counter.act("appearance", ticket, **LOOKS, unpacking=[film], seal="intact", waybill="SF100")
    made = await counter.stated(ticket, "appearance")
    assert (made.unpacking.seal, made.unpacking.evidence[0].media_type) == ("intact", "video/mp4")


async def test_a_parcel_without_a_registered_waybill_is_scanned(counter: Counter) -> None:
    ticket = await received(counter, channel="mail-in")
    film = counter.file("unpacking.mp4")
    await refused(
        "appearance.waybill", "not known", counter.act("appearance", ticket, **LOOKS, unpacking=[film], seal="none")
    )


async def test_who_walks_in_has_no_parcel(counter: Counter) -> None:
    ticket = await received(counter)
    await refused(
        "appearance.parcel", "not registered as sent in", counter.act("appearance", ticket, **LOOKS, seal="none")
    )


async def test_a_shop_may_want_every_face_in_a_picture(counter: Counter) -> None:
    counter.policy("counter", 'photos = "all"\n')
    ticket = await received(counter)
    await refused("appearance.photos", "front, back, left", counter.act("appearance", ticket, **LOOKS))
    counter.policy("counter", 'photos = "some"\n')
    await refused("policy.wrong", "policy/counter.toml: photos", counter.act("appearance", ticket, **LOOKS))


# --- confirmation ----------------------------------------------------------------------------------------------------


async def test_no_test_begins_before_the_customer_has_confirmed(counter: Counter) -> None:
    ticket = await received(counter)
    trouble = await refused("ticket.unconfirmed", "has not confirmed yet", counter.start(ticket))
    assert f"assay confirm {ticket}" in trouble.next_step.en
    await counter.act("appearance", ticket, **LOOKS)
    done = await counter.act("confirm", ticket, **SAYS)
    assert any(line[0].startswith("1. Data on the phone can be lost") for line in done["says"])
    intake, looked = await counter.records(ticket, "intake"), await counter.records(ticket, "appearance")
    made = await counter.stated(ticket, "confirmation")
    assert (made.intake, made.appearance) == (intake[0].digest, looked[0].digest)
    assert (made.notice.id, made.notice.version, len(made.notice.clauses)) == ("backup-and-data", 1, 5)
    assert await counter.start(ticket)
    await refused("step.not-now", "confirmed this already", counter.act("confirm", ticket, **SAYS))


async def test_an_appearance_alone_also_waits_for_the_customer(counter: Counter) -> None:
    ticket = await counter.take_in()
    await counter.act("appearance", ticket, **LOOKS)
    await refused("ticket.unconfirmed", "has not confirmed", counter.start(ticket))


async def test_the_quick_way_stands_on_the_consent_of_its_intake(counter: Counter) -> None:
    assert await counter.start(await counter.take_in())


async def test_a_shop_may_test_before_the_confirmation(counter: Counter) -> None:
    counter.policy("counter", 'confirmation = "off"\n')
    assert await counter.start(await received(counter))


async def test_a_difference_stops_the_ticket_until_the_appearance_is_recorded_anew(counter: Counter) -> None:
    ticket = await received(counter)
    await counter.act("appearance", ticket, **LOOKS)
    differs = {**SAYS, "decision": "differs"}
    await refused("confirm.difference", "What differs", counter.act("confirm", ticket, **differs))
    await counter.act("confirm", ticket, **differs, difference="the scratch was not there, says 王芳")
    assert (await counter.stated(ticket, "confirmation")).difference == "the scratch was not there, says …"
    assert state_of(counter.engine.work.sessions[ticket]) is State.WAITING_CUSTOMER
    await refused("ticket.unconfirmed", "something differs", counter.start(ticket))
    await refused("step.not-now", "record the appearance anew", counter.act("confirm", ticket, **SAYS))
    await refused("appearance.reason", "say why", counter.act("appearance", ticket, **LOOKS))
    await counter.act("appearance", ticket, **LOOKS, reason="the customer pointed it out")
    await refused("ticket.unconfirmed", "recorded anew since", counter.start(ticket))
    await counter.act("consent-code", ticket)  # what the customer is told in between changes nothing
    await counter.act("confirm", ticket, **SAYS)
    assert state_of(counter.engine.work.sessions[ticket]) is State.RECEIVED
    assert await counter.start(ticket)


async def test_what_was_shown_must_be_the_newest(counter: Counter) -> None:
    ticket = await received(counter)
    await counter.act("appearance", ticket, **LOOKS)
    shown = (await counter.records(ticket, "appearance"))[-1].digest
    await counter.act("appearance", ticket, **LOOKS, reason="forgot the case")
    await refused("confirm.changed", "not the newest", counter.act("confirm", ticket, **SAYS, seen=shown))


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"way": "signature"}, "confirm.proof", "drawn signature.*file is missing"),
        ({"way": "call"}, "confirm.proof", "recorded call: the file is missing"),
        ({"way": "typed", "name": "Somebody"}, "confirm.name", "not the registered one"),
        ({"way": "witness", "witness": "tech"}, "confirm.witness", "a second person"),
        ({"way": "witness", "witness": "nobody"}, "confirm.witness", "a second person"),
        ({"way": "one-time-code", "code": "00000000"}, "consent.no-code", "No code was sent for how the phone came"),
        ({"by": "bringer"}, "confirm.by", "Nobody but the owner"),
        ({"remote": "yes"}, "confirm.remote", "can't confirm in person"),
    ],
)
async def test_each_way_needs_its_proof(counter: Counter, fields: dict[str, str], code: str, words: str) -> None:
    ticket = await received(counter)
    await refused(code, words, counter.act("confirm", ticket, **{**SAYS, "witness": "lead", **fields}))
    assert await counter.records(ticket, "confirmation") == []


async def test_a_one_time_code_is_sent_to_the_customer_and_is_that_of_exactly_these_records(counter: Counter) -> None:
    ticket = await received(counter)
    by_code = {**SAYS, "way": "one-time-code"}
    told = await counter.act("consent-code", ticket)
    assert told["says"][0][0].startswith(
        "A code for how the phone came, and the data text was sent to the owner (…8000)"
    )
    code = code_of(counter, ticket)
    assert code not in str(told)
    assert code.encode() not in await counter.envelopes(ticket)
    await counter.act("appearance", ticket, **LOOKS)
    await refused("consent.no-code", "No code was sent", counter.act("confirm", ticket, **by_code, code=code))
    await counter.act("consent-code", ticket, language="en")
    await refused("consent.code", "not the one that was sent", counter.act("confirm", ticket, **by_code, code=code))
    await counter.act("confirm", ticket, **by_code, code=code_of(counter, ticket))
    assert (await counter.stated(ticket, "confirmation")).code.kind == "code"


def code_of(counter: Counter, ticket: str) -> str:
    """The code in the newest message of the shop's folder."""
    sent = max((counter.station.data / "notices" / ticket).glob("*.txt"), key=lambda one: one.stat().st_mtime_ns)
    return re.findall(r"(?<![0-9])[0-9]{8}(?![0-9])", sent.read_text(encoding="utf-8"))[-1]


@pytest.mark.parametrize(
    ("way", "more"),
    [("signature", {"proof": "signed.png"}), ("typed", {"name": " 王 芳"}), ("call", {"proof": "call.mp3"})],
)
async def test_a_phone_that_was_sent_in_is_confirmed_from_afar(
    counter: Counter, way: str, more: dict[str, str]
) -> None:
    ticket = await received(counter, channel="mail-in", waybill="SF100")
    fields: dict[str, Any] = {**SAYS, "way": way, **more}
    if "proof" in more:
        fields["proof"] = [counter.file(more["proof"])]
    await refused("step.not-now", "appearance record first", counter.act("confirm", ticket, **fields))
    await counter.act("appearance", ticket, **LOOKS, unpacking=[counter.file("box.jpg")], seal="intact")
    await refused("confirm.remote", "in person", counter.act("confirm", ticket, **SAYS))
    await counter.act("confirm", ticket, **fields)
    made = await counter.stated(ticket, "confirmation")
    assert (made.remote, made.way, len(made.proof)) == (True, way, int("proof" in more))
    assert OWNER.encode() not in await counter.envelopes(ticket)


async def test_a_shop_s_own_data_text_is_recorded_with_its_digest(counter: Counter) -> None:
    own = 'id = "own"\nversion = 7\n[[clause]]\nen = "Your data is yours."\nzh = "数据归您所有。"\n'
    counter.policy("data-notice", own)
    ticket = await received(counter)
    await counter.act("confirm", ticket, **SAYS)
    notice = (await counter.stated(ticket, "confirmation")).notice
    assert (notice.id, notice.version, notice.clauses[0].zh) == ("own", 7, "数据归您所有。")
    counter.policy("data-notice", 'id = "own"\nversion = 0\n')
    await counter.act("appearance", ticket, **LOOKS)
    await refused("policy.wrong", "policy/data-notice.toml", counter.act("confirm", ticket, **SAYS))
