"""What a touch panel did, from kernel events of both protocols and from traces whose truth is known."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.touch_trace import UNBROKEN, Contacts, Grid, Report, max_contacts, strokes

ABS, SYN = 3, 0
SLOT, X, Y, TRACKING = 0x2F, 0x35, 0x36, 0x39


def fed(contacts: Contacts, *frames: list[tuple[int, int, int]]) -> list[Report]:
    """The reports of frames that are 10 ms apart; each ends with its SYN_REPORT."""
    return [
        report
        for number, frame in enumerate(frames)
        for kind, code, value in [*frame, (SYN, 0, 0)]
        for report in contacts.feed(number * 0.01, kind, code, value)
    ]


def test_slots_tell_two_fingers_apart_and_keep_a_place_that_is_not_said_again() -> None:
    contacts = Contacts(slots=True)
    found = fed(
        contacts,
        [(ABS, SLOT, 0), (ABS, TRACKING, 40), (ABS, X, 10), (ABS, Y, 20)],
        [(ABS, SLOT, 1), (ABS, TRACKING, 41), (ABS, X, 70), (ABS, Y, 80)],
        [(ABS, SLOT, 0), (ABS, X, 11)],
        [(ABS, TRACKING, -1), (ABS, SLOT, 1), (ABS, TRACKING, -1)],
    )
    assert [(one.contact, one.x, one.y, one.down, one.up) for one in found] == [
        (1, 10, 20, True, False),
        (2, 70, 80, True, False),
        (1, 11, 20, False, False),
        (1, 11, 20, False, True),
        (2, 70, 80, False, True),
    ]
    assert max_contacts(found) == 2
    assert not contacts.down


def test_a_finger_that_was_down_before_anybody_looked_is_no_contact_until_its_place_is_known() -> None:
    assert not fed(Contacts(slots=True), [(ABS, SLOT, 0), (ABS, X, 10)], [(ABS, Y, 20)])


def test_without_slots_fingers_are_followed_to_the_nearest_place() -> None:
    def finger(x: int, y: int) -> list[tuple[int, int, int]]:
        return [(ABS, X, x), (ABS, Y, y), (SYN, 2, 0)]

    contacts = Contacts(slots=False)
    found = fed(
        contacts, finger(10, 10) + finger(90, 90), finger(88, 90) + finger(12, 10), finger(14, 10), [(SYN, 2, 0)]
    )
    assert [(one.contact, one.x, one.up) for one in found] == [
        (1, 10, False), (2, 90, False), (2, 88, False), (1, 12, False), (1, 14, False), (2, 88, True), (1, 14, True),
    ]  # fmt: skip


def test_tracking_ids_without_slots_name_the_finger_also_when_another_is_nearer() -> None:
    def finger(number: int, x: int) -> list[tuple[int, int, int]]:
        return [(ABS, TRACKING, number), (ABS, X, x), (ABS, Y, 5), (SYN, 2, 0)]

    found = fed(Contacts(slots=False), finger(0, 10) + finger(1, 50), finger(0, 49) + finger(1, 11))
    assert [(one.contact, one.x) for one in found] == [(1, 10), (2, 50), (1, 49), (2, 11)]


@given(
    st.booleans(),
    st.lists(
        st.tuples(st.sampled_from([0, 1, 3]), st.sampled_from([0, 2, SLOT, X, Y, TRACKING]), st.integers(-5, 70000))
    ),
)
def test_any_events_make_reports_without_an_exception_and_ends_only_of_what_began(
    slots: bool, events: list[tuple[int, int, int]]
) -> None:
    contacts = Contacts(slots=slots)
    found = [one for event in events for one in contacts.feed(0.0, *event)]
    begun = {one.contact for one in found if one.down}
    assert {one.contact for one in found if one.up} <= begun
    strokes(found)


def test_a_gap_in_time_is_not_painted_over() -> None:
    grid = Grid(100, 10, 10)
    grid.add(Report(0.0, 1, 5, 5), 0.03)
    grid.add(Report(0.5, 1, 95, 5), 0.03)
    assert [len(hole) for hole in grid.holes()] == [8]
    grid.add(Report(0.51, 1, 5, 5), 0.03)
    assert grid.coverage == 1.0


def test_a_report_from_far_outside_is_joined_in_no_more_steps_than_there_are_cells() -> None:
    grid = Grid(100, 100, 10)
    near, far = Report(1.0, 1, 5, 5, down=True), Report(1.01, 1, 2_147_483_647, 5)
    for one in (near, far):
        grid.add(one, 0.05)
    assert grid.touched[0][0]
    assert grid.reached == (5, 5, 2_147_483_647, 5)
    assert grid.crosses_a_hole(near, Report(1.5, 1, 2_147_483_647, 2_147_483_647))


def test_cells_that_no_finger_can_reach_are_neither_holes_nor_missing() -> None:
    grid = Grid(30, 10, 10)
    grid.leave_out([(0, 0), (9, 9)])
    grid.add(Report(0.0, 1, 25, 5), 1.0)
    assert (round(grid.coverage, 2), grid.holes()) == (0.5, [[(1, 0)]])
    assert grid.map(3, 1) == ["■□■"]


# -- traces of known truth --------------------------------------------------------------------------------------------

GOOD = ("good.csv.gz", "dead_strip.csv.gz", "sticky_strip.csv.gz", "ghost.csv.gz")


@pytest.mark.parametrize("name", GOOD)
def test_traces_of_known_truth_are_measured_within_their_tolerances(shared: Path, name: str) -> None:
    folder = shared / "metrology"
    truth = json.loads((folder / "truth.json").read_text())["touch"][name]
    inputs = json.loads((folder / "inputs.json").read_text())["touch"][name]
    wiped, ghosts, most = read(folder / "touch" / name)
    said = strokes(wiped)
    assert said.rate_hz == pytest.approx(truth["report_rate_hz"], rel=0.02)
    assert said.jitter == pytest.approx(truth["jitter_px"], rel=0.10)
    assert said.drop_share == pytest.approx(truth["drop_fraction"], abs=0.01)
    width, height = inputs["viewport"]
    grid = Grid(width, height, inputs["line_pitch_px"] / 2)
    for report in wiped:
        grid.add(report, UNBROKEN / (said.rate_hz or 1))
    boxes = [grid.box(hole) for hole in grid.holes()]
    assert len(boxes) == len(truth["dead_rects"])
    for box, right in zip(boxes, truth["dead_rects"], strict=True):
        assert box == pytest.approx(right, abs=12)
    assert (sum(grid.crosses_a_hole(a, b) for a, b in said.jumps) > 1) is truth["sticky"]
    left, top, right, low = grid.reached or (0, 0, 0, 0)
    assert (left, top, width - right, height - low) == pytest.approx(truth["edge_dead_px_ltrb"], abs=8)
    assert (ghosts, most) == (truth["ghost_touches"], truth["max_touches"])


def read(path: Path) -> tuple[list[Report], int, int]:
    """The reports until the hands were taken off, the contacts put down while they were off, the most at once."""
    wiped: list[Report] = []
    after: list[Report] = []
    resting, rested, ghosts, count = False, False, 0, 0
    contact: dict[str, int] = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            kind = row["type"]
            if kind.startswith("rest_"):
                resting, rested = kind == "rest_begin", True
                continue
            if kind == "down":
                count += 1
                contact[row["id"]] = count
                ghosts += resting
            report = Report(
                float(row["t_ms"]) / 1000,
                contact[row["id"]],
                float(row["x"]),
                float(row["y"]),
                kind == "down",
                kind == "up",
            )
            if not resting:
                (after if rested else wiped).append(report)
    return wiped, ghosts, max_contacts(after)
