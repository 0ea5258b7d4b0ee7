"""What a day of use counts, and whether a complaint is gone: tried, back, not tried, and nobody there."""

from __future__ import annotations

from typing import Any

import phone_outputs
import pytest
from ports_bench import WritingBench, bench
from probe_bench import Readings, ScriptedPerson, no_answer, result, run_on

from drivers.api import CommandResult, NoAnswer
from drivers.text import Words
from probes.api import NotRun, Skipped
from probes.complaint import SYMPTOM_STEPS, steps_for
from probes.usage_scenario import STEPS

CRASH = "11-14 22:30:00.400  1200  1200 F DEBUG   : pid: 99, tid: 99, name: c  >>> /vendor/bin/hw/camera-service <<<\n"


class Day:
    """A phone in use: what it says after each round, the first time before any."""

    def __init__(
        self,
        *,
        logs: list[str],
        ups: list[str] | None = None,
        batteries: list[str] | None = None,
        heat: tuple[str, ...] = ("",),
    ) -> None:
        self.logs, self.ups, self.batteries = logs, ups or ["100.0 90.0"], batteries or [phone_outputs.BATTERY]
        self.heat = [f"Thermal Status: {status}\n" if status else "" for status in heat]
        self.round = "".join(f"--step {step}\nStarting: Intent {{ }}\n" for step in STEPS)
        self.asked = 0

    def says(self, script: str) -> str | CommandResult:
        if script == "cat /proc/uptime":
            self.asked += 1
            return self.now(self.ups)
        if script.startswith("logcat"):
            return self.now(self.logs)
        if script == "dumpsys battery":
            return self.now(self.batteries)
        if script == "dumpsys thermalservice":
            return self.now(self.heat)
        return self.round

    def now(self, answers: list[str]) -> str:
        return answers[min(self.asked, len(answers)) - 1]


async def used(day: Day, **settings: Any) -> tuple[Readings, WritingBench]:
    given = bench(day.says)
    return await run_on("android.usage-scenario", given, **{"rounds": 2, "pause_s": 0} | settings), given


async def test_a_day_without_a_fault_counts_none_and_its_rounds() -> None:
    readings, _ = await used(Day(logs=[phone_outputs.CRASH_LOG]))
    assert readings.value("usage_events") == 0
    assert (readings.value("rounds"), readings.value("steps_done")) == (2, 2 * len(STEPS))


@pytest.mark.parametrize(
    ("day", "event"),
    [
        (Day(logs=["", CRASH]), "round 1: /vendor/bin/hw/camera-service crashed"),
        (Day(logs=[""], heat=("0", "1", "3")), "round 2: slowed down for heat (severe)"),
        (Day(logs=[""], ups=["900.0 1.0", "950.0 1.0", "12.0 1.0"]), "round 2: restarted"),
        (
            Day(
                logs=[""],
                batteries=[
                    phone_outputs.BATTERY,
                    phone_outputs.BATTERY.replace("USB powered: true", "USB powered: false"),
                ],
            ),
            "round 1: power from the cable lost",
        ),
        (
            Day(
                logs=[""],
                batteries=[phone_outputs.BATTERY, phone_outputs.BATTERY.replace("health: 2", "health: 3")] * 1,
            ),
            "round 1: battery overheats",
        ),
    ],
)
async def test_what_goes_wrong_meanwhile_is_counted_with_its_round(day: Day, event: str) -> None:
    readings, _ = await used(day)
    assert event in readings.value("events_seen")
    assert readings.value("usage_events") >= 1


async def test_old_crashes_and_one_seen_before_count_once_or_not_at_all() -> None:
    readings, _ = await used(Day(logs=["", CRASH, CRASH]), rounds=2)
    assert readings.value("usage_events") == 1
    readings, _ = await used(Day(logs=[CRASH]))
    assert readings.value("usage_events") == 0


async def test_a_file_that_reads_back_differently_is_an_event() -> None:
    day = Day(logs=[""])
    day.round = "--step storage\nseed copy differ: char 9\nDIFFERS\n"
    readings, _ = await used(day, rounds=1)
    assert readings.value("events_seen") == ("round 1: a file read back differs",)


async def test_a_step_that_the_phone_refuses_is_not_counted_as_done() -> None:
    day = Day(logs=[""])
    day.round = "--step camera\nError: Activity not started\n--step dial\nStarting: Intent { }\n"
    assert (await used(day, rounds=1))[0].value("steps_done") == 1


async def test_one_way_back_covers_all_rounds() -> None:
    _, given = await used(Day(logs=[""]), rounds=4)
    assert [undo for undo in given.undone if undo != ":"] == given.undone[:1]
    assert "rm -rf" in given.undone[0]
    assert "category.HOME" in given.undone[0]


async def test_a_closed_crash_log_counts_nothing() -> None:
    with pytest.raises(NotRun, match="crash log"):
        await used(Day(logs=["logcat: Permission denied\n"]))


async def test_a_phone_that_goes_away_is_the_benchs_trouble() -> None:
    with pytest.raises(NoAnswer):
        await run_on("android.usage-scenario", bench(lambda script: result(failure=no_answer())))


# the complaint

LOCAL = "1700000640 2023-11-14 22:24:00\n"


async def tried(
    acts: dict[str, Any], clock: str = LOCAL, ticket: dict[str, str] | None = None, **settings: Any
) -> tuple[Readings, ScriptedPerson]:
    person = ScriptedPerson({"phone-minute": "24", **acts})
    given = bench(lambda script: clock, person=person)
    given.ticket = ticket or {}
    return await run_on("android.complaint-gone", given, **settings), person


GONE = {"try-1": "gone", "try-2": "gone", "try-3": "gone"}


async def test_a_complaint_that_never_came_back_is_gone() -> None:
    readings, person = await tried(GONE)
    assert (readings.value("came_back"), readings.value("tries")) == (0, 3)
    assert person.order().count("phone-minute") == 1


async def test_one_time_back_is_told_with_its_try() -> None:
    readings, _ = await tried(GONE | {"try-2": "back"})
    assert (readings.value("came_back"), readings.value("what_came")) == (1, ("2",))


async def test_a_try_that_could_not_be_made_is_neither() -> None:
    readings, _ = await tried(GONE | {"try-2": "not-tried"})
    assert "came_back" in readings.unread
    back, _ = await tried(GONE | {"try-1": "back", "try-2": "not-tried"})
    assert back.value("came_back") == 1


@pytest.mark.parametrize(
    ("minute", "there"), [("24", True), ("25", True), ("22", True), ("54", False), ("soon", False)]
)
async def test_only_who_reads_the_phones_clock_is_there(minute: str, there: bool) -> None:
    acts = GONE | {"phone-minute": minute, "phone-minute-again": minute}
    if there:
        assert (await tried(acts))[0].value("person_there") is True
    else:
        with pytest.raises(NotRun, match="nobody had the phone"):
            await tried(acts)


async def test_minutes_around_the_hour_are_near() -> None:
    readings, _ = await tried(GONE | {"phone-minute": "59"}, clock="1700000640 2023-11-14 22:00:30\n")
    assert readings.value("person_there") is True


async def test_a_slip_of_the_finger_may_be_mended() -> None:
    readings, _ = await tried(GONE | {"phone-minute": "99", "phone-minute-again": "24"})
    assert readings.value("person_there") is True


async def test_whoever_skips_leaves_it_not_run() -> None:
    with pytest.raises(Skipped):
        await tried({"try-1": Skipped(Words("busy", "忙"))})


async def test_what_is_tried_is_what_the_customer_complained_of() -> None:
    ticket = {"complaint": "goes dark after a call", "symptoms": "screen-flicker no-sound screen-dim"}
    readings, person = await tried(GONE, ticket=ticket)
    assert readings.value("symptoms_tried") == ("screen-flicker", "no-sound", "screen-dim")
    steps = next(prompt for prompt in person.asked if prompt.id == "try-1").steps
    assert "goes dark after a call" in steps[0].en
    assert steps[0].zh == "客户描述：goes dark after a call"
    assert steps[1:] == (*steps_for("screen-flicker"), *steps_for("no-sound")), "each step once"


async def test_a_symptom_that_the_checklist_names_is_tried_in_place_of_the_tickets() -> None:
    readings, person = await tried(GONE, ticket={"symptoms": "no-sound"}, symptom="wifi-weak")
    assert readings.value("symptoms_tried") == ("wifi-weak",)
    assert person.asked[0].steps == steps_for("wifi-weak")


async def test_a_ticket_without_a_coded_complaint_leads_to_what_it_says_in_words() -> None:
    readings, person = await tried(GONE)
    assert "symptoms_tried" not in readings.measured
    assert person.asked[0].steps == steps_for("")


def test_every_complaint_has_steps_and_an_unknown_one_those_of_the_ticket() -> None:
    assert steps_for("random-restart") != steps_for("no-sound")
    assert "ticket" in steps_for("")[0].en
    assert all(words.en and words.zh for _, steps in SYMPTOM_STEPS for words in steps)
