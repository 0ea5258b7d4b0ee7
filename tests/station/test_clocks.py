"""Service clocks: what counts, what does not, and that no order of things and no pause makes a wait longer."""

from __future__ import annotations

import datetime
import hashlib
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reports.attest import Envelope, Record
from reports.calendar import SHANGHAI
from reports.predicates import Clock, Common, Software
from reports.record import ReadStatement
from reports.steps.clock import ClockV1
from station.clocks import Hours, Reading, Stretch, clocks, counted_ms, timeline, union
from station.events import Event, Sealed, TicketRegistered
from station.session import Session, fold

HOUR = 3_600_000
#: Monday, 2 November 2026, 09:00 in China.
MONDAY = round(datetime.datetime(2026, 11, 2, 9, tzinfo=SHANGHAI).timestamp() * 1000)
SHOP = Hours(datetime.time(9), datetime.time(18))
WHYS = st.sampled_from(["customer", "parts", "factory"])
MOMENTS = st.integers(min_value=MONDAY - 40 * 24 * HOUR, max_value=MONDAY + 40 * 24 * HOUR)
STRETCHES = st.lists(
    st.builds(lambda a, b, why: Stretch(min(a, b), max(a, b), why), MOMENTS, MOMENTS, WHYS), max_size=8
)
HOURS = st.sampled_from([Hours(), SHOP])


@given(MOMENTS, MOMENTS, STRETCHES, HOURS)
def test_a_pause_never_makes_it_longer(start: int, end: int, pauses: list[Stretch], hours: Hours) -> None:
    without = counted_ms(start, end, pauses[1:], hours)
    with_it = counted_ms(start, end, pauses, hours)
    assert 0 <= with_it <= without <= max(0, end - start)


@given(MOMENTS, MOMENTS, STRETCHES, HOURS, st.randoms(use_true_random=False))
def test_the_order_of_pauses_does_not_matter(
    start: int, end: int, pauses: list[Stretch], hours: Hours, random: Any
) -> None:
    shuffled = list(pauses)
    random.shuffle(shuffled)
    assert counted_ms(start, end, pauses, hours) == counted_ms(start, end, shuffled, hours)


@given(MOMENTS, MOMENTS, STRETCHES)
def test_working_time_is_never_more_than_all_time(start: int, end: int, pauses: list[Stretch]) -> None:
    assert counted_ms(start, end, pauses, SHOP) <= counted_ms(start, end, pauses, Hours())


@given(MOMENTS, MOMENTS, MOMENTS, HOURS)
def test_time_adds_up(a: int, b: int, c: int, hours: Hours) -> None:
    first, middle, last = sorted((a, b, c))
    assert hours.between(first, middle) + hours.between(middle, last) == hours.between(first, last)


@given(STRETCHES)
def test_a_union_has_no_overlaps_and_covers_the_same(stretches: list[Stretch]) -> None:
    found = union(stretches)
    assert all(one.to_ms <= two.from_ms for one, two in itertools.pairwise(found))
    edges = sorted({edge for one in stretches for edge in (one.from_ms, one.to_ms)})
    covered = sum(
        b - a for a, b in itertools.pairwise(edges) if any(one.from_ms <= a and b <= one.to_ms for one in stretches)
    )
    assert sum(one.to_ms - one.from_ms for one in found) == covered


def test_a_night_a_weekend_and_a_holiday_are_no_working_time() -> None:
    friday_evening = MONDAY + (4 * 24 + 8) * HOUR
    assert SHOP.between(friday_evening, MONDAY + (7 * 24 + 1) * HOUR) == 2 * HOUR
    national_day = round(datetime.datetime(2025, 10, 1, 9, tzinfo=SHANGHAI).timestamp() * 1000)
    assert SHOP.between(national_day, national_day + 24 * HOUR) == 0
    made_up_saturday = round(datetime.datetime(2025, 10, 11, 9, tzinfo=SHANGHAI).timestamp() * 1000)
    assert SHOP.between(made_up_saturday, made_up_saturday + 24 * HOUR) == 9 * HOUR


def test_a_clock_that_was_set_wrong_by_decades_is_still_answered() -> None:
    assert SHOP.between(0, MONDAY * 10) == MONDAY * 10


# --- over a ticket ---------------------------------------------------------------------------------------------------


class Life:
    """A ticket's records with the moments at which they were made."""

    def __init__(self) -> None:
        self.events = [Event(1, "T1", "", MONDAY, 1, "boot", TicketRegistered(person="tech", model="", complaint=""))]
        self.records: list[Record] = []

    def add(self, kind: str, at: int, decision: str = "", said: Any = None) -> Life:
        digest = hashlib.sha256(f"{kind}{len(self.records)}".encode()).hexdigest()
        sealed = Sealed(record=kind, digest=digest, seq=0, person="tech", decision=decision)
        self.events.append(Event(len(self.events) + 1, "T1", "", at, len(self.events) + 1, "boot", sealed))
        predicate = said or Common(**common(at))
        self.records.append(Record(Envelope(digest, b"", ()), ReadStatement(kind, "0" * 64, predicate, {})))
        return self

    def hand(self, decision: str, at: int, why: str = "customer") -> Life:
        said = ClockV1(**common(at), decision=decision, person="tech", why=why, reason="-", at_ms=at)
        return self.add("clock/v1", at, decision, said)

    @property
    def session(self) -> Session:
        return fold(self.events)

    def read(self, now: int, **policy: Any) -> dict[str, Reading]:
        readings, _ = clocks(self.session, self.records, policy, now)
        return {one.clock: one for one in readings}


def common(at: int) -> dict[str, Any]:
    return {
        "shop": "S",
        "station": "B",
        "simulated": True,
        "anchor": None,
        "clock": Clock(wall_ms=at, mono_ms=1, boot_id="boot", state="free-running"),
        "software": Software(version="0", sha256="0" * 64),
        "ticket": "T1",
    }


def test_waiting_for_the_customer_for_parts_and_at_the_factory_does_not_count() -> None:
    life = Life().add("intake/v1", MONDAY + HOUR // 2)
    life.add("diagnosis/v1", MONDAY + 1 * HOUR, "cause-found").add("plan/v1", MONDAY + 2 * HOUR)
    life.add("consent/v1", MONDAY + 30 * HOUR, "agreed").add("parts-order/v1", MONDAY + 31 * HOUR, "ordered")
    life.add("part-use/v1", MONDAY + 80 * HOUR).add("send-out/v1", MONDAY + 81 * HOUR)
    life.add("send-back/v1", MONDAY + 200 * HOUR, "whole").add("release/v1", MONDAY + 202 * HOUR, "released")
    found = life.read(MONDAY + 300 * HOUR)
    assert (found["response"].elapsed_ms, found["response"].breached) == (HOUR // 2, False)
    repair = found["repair"]
    assert [one.why for one in repair.paused] == ["customer", "parts", "factory"]
    assert repair.elapsed_ms == (202 * HOUR - HOUR // 2) - 28 * HOUR - 49 * HOUR - 119 * HOUR
    assert repair.whole_ms == 202 * HOUR - HOUR // 2
    assert (repair.ended_ms, repair.standing, repair.breached) == (MONDAY + 202 * HOUR, "", False)


def test_each_limit_is_passed_by_itself() -> None:
    repair = Life().add("intake/v1", MONDAY).read(MONDAY + 30 * HOUR)["repair"]
    assert [(one.hours, one.breached, one.left_ms) for one in repair.limits] == [
        (24, True, -6 * HOUR),
        (48, False, 18 * HOUR),
    ]
    late = Life().add("intake/v1", MONDAY + 2 * HOUR).read(MONDAY + 2 * HOUR)["response"]
    assert late.breached


def test_exactly_at_its_limit_a_clock_is_not_late() -> None:
    assert not Life().add("intake/v1", MONDAY).read(MONDAY + 24 * HOUR)["repair"].breached
    assert Life().add("intake/v1", MONDAY).read(MONDAY + 24 * HOUR + 1)["repair"].breached


def test_a_person_may_stop_the_clocks_and_what_overlaps_is_taken_off_once() -> None:
    life = Life().add("intake/v1", MONDAY).hand("paused", MONDAY + 1 * HOUR).add("plan/v1", MONDAY + 2 * HOUR)
    life.hand("resumed", MONDAY + 3 * HOUR).add("consent/v1", MONDAY + 4 * HOUR, "agreed")
    repair = life.read(MONDAY + 5 * HOUR)["repair"]
    assert repair.elapsed_ms == 2 * HOUR
    assert sum(one.to_ms - one.from_ms for one in repair.paused) == 3 * HOUR
    assert Life().add("intake/v1", MONDAY).hand("paused", MONDAY + HOUR, "parts").read(MONDAY + 9 * HOUR)[
        "repair"
    ].standing == ("parts")


def test_a_phone_that_comes_back_starts_a_new_clock_and_one_that_failed_its_check_does_not() -> None:
    life = Life().add("intake/v1", MONDAY).add("release/v1", MONDAY + 5 * HOUR, "released")
    again = Life().add("intake/v1", MONDAY).add("release/v1", MONDAY + 5 * HOUR, "released")
    again.add("repair/v1", MONDAY + 6 * HOUR)
    assert again.read(MONDAY + 7 * HOUR)["repair"].elapsed_ms == 7 * HOUR
    life.add("delivery/v1", MONDAY + 6 * HOUR, "delivered").add("follow-up/v1", MONDAY + 99 * HOUR, "reopened")
    life.add("intake/v1", MONDAY + 100 * HOUR)
    found = life.read(MONDAY + 101 * HOUR)
    assert (found["repair"].elapsed_ms, found["response"].elapsed_ms) == (HOUR, HOUR)


def test_a_station_clock_that_went_back_gives_no_negative_time() -> None:
    life = Life().add("intake/v1", MONDAY + 5 * HOUR).add("plan/v1", MONDAY - 50 * HOUR)
    assert [at for at, _ in timeline(life.session, life.records)] == [MONDAY, MONDAY + 5 * HOUR, MONDAY + 5 * HOUR]
    assert all(one.elapsed_ms >= 0 for one in life.read(MONDAY - 60 * HOUR).values())


def test_the_shops_own_policy_counts_and_nonsense_in_it_does_not() -> None:
    life = Life().add("intake/v1", MONDAY + 8 * HOUR)
    now = MONDAY + 26 * HOUR
    strict = life.read(now, repair={"hours": [4], "basis": "working"})["repair"]
    assert (strict.elapsed_ms, [one.hours for one in strict.limits]) == (3 * HOUR, [4])
    odd = life.read(now, repair={"hours": ["soon"], "basis": "moon"}, open="dawn")["repair"]
    assert (odd.elapsed_ms, [one.hours for one in odd.limits]) == (18 * HOUR, [24, 48])
    _, source = clocks(life.session, life.records, {"repair": {"hours": [4]}}, now)
    assert source.en == "the shop's own policy `clocks`"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["intake", "diagnosis", "plan", "consent", "repair", "send-out", "send-back", "release", "delivery"]
            ),
            st.integers(min_value=-5 * HOUR, max_value=200 * HOUR),
        ),
        max_size=12,
    )
)
def test_whatever_order_a_ticket_took_its_clocks_can_be_read(steps: list[tuple[str, int]]) -> None:
    life = Life()
    for kind, at in steps:
        life.add(f"{kind}/v1", MONDAY + at)
    for one in life.read(MONDAY + 100 * HOUR).values():
        assert 0 <= one.working_ms <= one.clock_ms <= one.whole_ms
        assert all(pause.from_ms < pause.to_ms for pause in one.paused)
