"""How long a phone that answers is not listened to: never so long that its last answer waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.adb import REST_S, rest_s

SECONDS = st.floats(0, 100, allow_nan=False)


@given(st.integers(0, 500), st.integers(0, 500), SECONDS)
def test_it_is_at_most_half_of_what_the_rest_will_take_and_bounded(came: int, left: int, took_s: float) -> None:
    rest = rest_s(came, left, took_s)
    assert 0 <= rest <= REST_S
    if came:
        assert rest <= took_s / came * left / 2


@given(st.integers(0, 500), SECONDS)
def test_the_last_answer_is_listened_for(came: int, took_s: float) -> None:
    assert rest_s(came, 1, took_s) == rest_s(came, 0, took_s) == 0


@given(st.integers(0, 500))
def test_without_a_pace_nothing_is_missed(left: int) -> None:
    assert rest_s(0, left, 5.0) == 0


def test_a_phone_that_takes_five_milliseconds_for_each_of_sixty_commands_is_heard_some_fifteen_times() -> None:
    assert rest_s(3, 57, 0.015) == REST_S
    assert rest_s(58, 2, 0.290) == pytest.approx(0.005)
