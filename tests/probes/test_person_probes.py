"""Questions from data, a person's record of how a phone looks, and a screen that nobody can click through."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checklists.load import load_checks
from drivers.api import NoAnswer, SelfTestPage, Side
from drivers.text import Words
from probes.api import (
    Answer,
    Choice,
    Evidence,
    Measurement,
    NotRun,
    Prompt,
    PromptKind,
    PromptTimedOut,
    Reading,
    Skipped,
    Unread,
)
from probes.display_pixels import DEFAULT_PATTERNS, PATTERNS, challenge, display_pixels, page
from probes.question import FACES, GRADES, appearance, question

Script = Callable[[Prompt], str | tuple[str, str] | Exception]


@dataclass
class Someone:
    """A person who answers by a script and remembers what was asked."""

    script: Script
    asked: list[Prompt] = field(default_factory=list)

    async def ask(self, prompt: Prompt) -> Answer:
        self.asked.append(prompt)
        said = self.script(prompt)
        if isinstance(said, Exception):
            raise said
        value, note = said if isinstance(said, tuple) else (said, "")
        return Answer(prompt.id, value, "li.wei", note)


@dataclass
class Browser:
    """A phone's browser that keeps what it shows."""

    html: bytes | None = None
    shown: int = 0
    refuses: Exception | None = None

    @asynccontextmanager
    async def show(self, html: bytes, *, deadline_s: float) -> AsyncIterator[None]:
        if self.refuses:
            raise self.refuses
        self.html, self.shown = html, self.shown + 1
        try:
            yield
        finally:
            self.html = None


@dataclass
class Bench:
    person: Someone
    browser: Browser = field(default_factory=Browser)
    ticket: dict[str, str] = field(default_factory=dict)

    def capability(self, kind: type) -> Any:
        assert kind is SelfTestPage
        return self.browser

    def answer(self, name: str) -> Any:
        raise AssertionError(name)


async def until_it_ends(found: list[Reading], said: AsyncIterator[Reading]) -> None:
    async for reading in said:
        found.append(reading)


async def readings(probe: Callable[..., AsyncIterator[Reading]], bench: Bench, **settings: Any) -> list[Reading]:
    return [reading async for reading in probe(bench, **settings)]


def values(found: Sequence[Reading]) -> dict[str, Any]:
    return {one.name: one.value for one in found if isinstance(one, Measurement)}


TITLE = Words("Is it warm?", "发热吗？")

# --- questions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["good", "bad"])
async def test_a_verdict_becomes_the_answer_with_its_note(said: str) -> None:
    someone = Someone(lambda prompt: (said, "left corner"))
    found = await readings(question, Bench(someone), title=TITLE, steps=(Words("touch", "触摸"),))
    assert values(found) == {"answer": said, "note": "left corner"}
    assert all(isinstance(one, Measurement) and one.source == "person li.wei" for one in found)
    assert someone.asked == [Prompt("question", PromptKind.VERDICT, TITLE, (Words("touch", "触摸"),), (), 300.0)]


async def test_not_applicable_is_a_skip_and_no_answer() -> None:
    with pytest.raises(Skipped, match="does not apply: no such key"):
        await readings(question, Bench(Someone(lambda prompt: ("not-applicable", "no such key"))), title=TITLE)


async def test_a_choice_becomes_the_answer_and_anything_else_ends_without_one() -> None:
    choices = (Choice("warm", Words("warm", "热"), "1"), Choice("cold", Words("cold", "凉"), "2"))
    found = await readings(question, Bench(Someone(lambda prompt: "cold")), title=TITLE, answer=choices)
    assert values(found) == {"answer": "cold"}
    with pytest.raises(NotRun, match="not among the answers"):
        await readings(question, Bench(Someone(lambda prompt: "hot")), title=TITLE, answer=choices)


async def test_a_text_becomes_the_answer_as_it_was_typed() -> None:
    found = await readings(question, Bench(Someone(lambda prompt: "R58M123")), title=TITLE, answer="text")
    assert values(found) == {"answer": "R58M123"}


@pytest.mark.parametrize("ending", [Skipped(TITLE), PromptTimedOut(TITLE)])
async def test_no_answer_leaves_no_measurement(ending: NotRun) -> None:
    with pytest.raises(type(ending)):
        await readings(question, Bench(Someone(lambda prompt: ending)), title=TITLE)


# --- appearance ------------------------------------------------------------------------------------------------------


async def test_each_face_is_recorded_as_text_and_as_a_grade() -> None:
    said = {
        "front": ("broken", "crack from the left"),
        "back": "light",
        "liquid-indicator": "white",
        "screws": "complete",
    }
    someone = Someone(lambda prompt: said.get(prompt.id, "none"))
    found = values(await readings(appearance, Bench(someone)))
    assert found["front"] == "broken: crack from the left"
    assert [found[f"{face}_wear"] for face in FACES] == [Decimal(3), Decimal(1), *[Decimal(0)] * 4]
    assert (found["liquid_indicator"], found["screws"]) == ("white", "complete")
    assert [prompt.id for prompt in someone.asked] == [*FACES, "liquid-indicator", "screws"]
    assert all(prompt.title.en != prompt.title.zh for prompt in someone.asked)


async def test_an_indicator_that_can_not_be_seen_is_unread() -> None:
    script = {"liquid-indicator": "not-visible", "screws": "none-visible"}
    found = await readings(appearance, Bench(Someone(lambda prompt: script.get(prompt.id, "none"))))
    assert "liquid_indicator" not in values(found)
    assert [one.name for one in found if isinstance(one, Unread)] == ["liquid_indicator"]


async def test_faces_before_a_skip_are_recorded_and_the_rest_is_not() -> None:
    bench = Bench(Someone(lambda prompt: Skipped(TITLE) if prompt.id == "top" else "none"))
    found: list[Reading] = []
    with pytest.raises(Skipped):
        await until_it_ends(found, appearance(bench))
    assert list(values(found)) == ["front", "front_wear", "back", "back_wear"]


def test_every_face_and_grade_can_be_limited_by_the_shipped_check() -> None:
    assert list(GRADES) == ["none", "light", "marked", "broken"]
    assert load_checks()["appearance"].person


# --- display pixels --------------------------------------------------------------------------------------------------


class Digits(HTMLParser):
    """Reads the digits as they stand on the patterns, in order: what eyes would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = ("class", "digit") in attrs

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.seen.append(data)
            self._inside = False


def looked(browser: Browser) -> str:
    parser = Digits()
    parser.feed((browser.html or b"").decode())
    return "".join(parser.seen)


def watcher(browser: Browser, **said: Any) -> Someone:
    answers = {"defective-pixels-1": "0", "defective-lines-1": "0", "even": "good", **said}
    return Someone(lambda prompt: answers.get(prompt.id) or looked(browser))


async def test_who_looked_over_all_patterns_is_asked_what_was_wrong() -> None:
    browser = Browser()
    someone = watcher(browser, **{"defective-pixels-1": "2", "even": "bad"})
    found = await readings(display_pixels, Bench(someone, browser))
    assert values(found) == {"defective_pixels": Decimal(2), "defective_lines": Decimal(0), "even": False}
    assert (browser.shown, browser.html) == (1, None)
    assert [one.media_type for one in found if isinstance(one, Evidence)] == ["text/html"]


async def test_digits_may_be_typed_with_spaces_and_in_full_width() -> None:
    browser = Browser()
    someone = watcher(browser)
    someone.script = lambda prompt: {
        "digits-1": " ".join(chr(0xFF10 + int(digit)) for digit in looked(browser)),
        "even": "good",
    }.get(prompt.id, "０")
    assert "defective_pixels" in values(await readings(display_pixels, Bench(someone, browser)))


async def test_wrong_digits_are_asked_for_once_more() -> None:
    browser = Browser()
    someone = watcher(browser, **{"digits-1": "x"})
    assert values(await readings(display_pixels, Bench(someone, browser)))
    assert [prompt.id for prompt in someone.asked][:3] == ["digits-1", "digits-2", "defective-pixels-1"]


async def test_digits_wrong_twice_measure_nothing_and_take_the_page_away() -> None:
    browser = Browser()
    someone = Someone(lambda prompt: "0")
    found: list[Reading] = []
    with pytest.raises(NotRun, match="were not read rightly in 2 tries"):
        await until_it_ends(found, display_pixels(Bench(someone, browser)))
    assert values(found) == {}
    assert browser.html is None
    assert len(someone.asked) == 2


async def test_what_the_right_digits_are_never_travels_with_the_question() -> None:
    browser = Browser()
    someone = watcher(browser)
    bench = Bench(someone, browser)
    found = [reading async for reading in display_pixels(bench)]
    [evidence] = [one for one in found if isinstance(one, Evidence)]
    digits = re.findall(r'class="digit"[^>]*>(\d)<', evidence.data.decode())
    assert "".join(digits) not in str(someone.asked)


async def test_a_count_that_is_no_number_stays_unread() -> None:
    browser = Browser()
    someone = watcher(browser, **{"defective-pixels-1": "many", "defective-pixels-2": "-1"})
    found = await readings(display_pixels, Bench(someone, browser))
    assert [one.name for one in found if isinstance(one, Unread)] == ["defective_pixels"]


async def test_a_phone_that_shows_no_page_is_the_bench_s_trouble() -> None:
    trouble = NoAnswer("selftest.not-fetched", TITLE, Side.PHONE, TITLE)
    bench = Bench(Someone(lambda prompt: "0"), Browser(refuses=trouble))
    with pytest.raises(NoAnswer):
        await readings(display_pixels, bench)
    assert bench.person.asked == []


@given(st.randoms(use_true_random=False))
def test_every_pattern_has_one_digit_well_inside_the_screen(source: random.Random) -> None:
    marks = challenge(tuple(PATTERNS), source)  # type: ignore[arg-type]
    parser = Digits()
    parser.feed(page(marks).decode())
    assert parser.seen == [mark.digit for mark in marks]
    assert all(5 <= mark.left <= 85 and 5 <= mark.top <= 85 for mark in marks)


def test_two_challenges_differ() -> None:
    drawn = {challenge(DEFAULT_PATTERNS, random.Random(seed)) for seed in range(50)}
    assert len(drawn) == 50


def test_the_page_loads_nothing_from_anywhere() -> None:
    html = page(challenge(DEFAULT_PATTERNS, random.Random(1))).decode()
    assert not re.search(r"https?:|src=|url\(|import|fetch|XMLHttp|WebSocket", html)
