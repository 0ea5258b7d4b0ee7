"""Screws, seams and seals as a person sees them: whether something is wrong, and how many screws there are.

The count is typed, not clicked: it is what a model card can be held against. Stands on `Person` alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

from drivers.text import Words
from probes.api import Bench, Choice, Measurement, NotRun, Prompt, PromptKind, Reading, Unread, probe
from probes.captured import integer

__all__ = ["screws_and_seals"]

_LOOK = Words("Are all screws, seams and seals as the maker made them?", "螺丝、缝隙及封签是否与原厂一致？")
_LOOK_STEPS = (
    Words("Look at the heads of the screws that can be seen", "查看可见螺丝的头部槽口"),
    Words("Run a finger along every seam; nothing may stand up or open", "手指沿各接缝滑过，不得翘起或开缝"),
    Words("Look for the shop's or the maker's seal, and for tape", "查看网点或厂家封签，以及胶带"),
)
_ANSWERS = (
    Choice("complete", Words("complete, no gaps, seals unbroken", "齐全、无缝隙、封签完好"), "1"),
    Choice("none-visible", Words("no screw can be seen, no gaps", "外部无可见螺丝，无缝隙"), "2"),
    Choice("screw", Words("a screw is missing, wrong or worn", "螺丝缺失、错装或磨损"), "3"),
    Choice("gap", Words("a gap, or something stands up", "有缝隙或翘起"), "4"),
    Choice("seal", Words("a seal is broken or tape shows", "封签破损或露出胶带"), "5"),
)
_COUNT = Words("How many screws can be seen from outside?", "外部可见螺丝共有几颗？")
_COUNT_STEPS = (Words("Count all sides, those under flaps as well", "请清点各面，包括盖板下的螺丝"),)
_NO_SUCH_ANSWER = Words("{value} is not among the answers", "“{value}”不在可选答案中")
_NO_COUNT = Words("“{value}” is no count", "“{value}”不是数量")
#: No phone has more outside.
_MOST = 100


@probe(
    "person.screws-seals",
    measures={"answer": "text", "note": "text", "screws_seen": "1"},
    names={"screws_seen": Words("screws that can be seen", "可见螺丝数")},
    asks=True,
)
async def screws_and_seals(bench: Bench, *, timeout_s: float = 300.0) -> AsyncIterator[Reading]:
    """Whether screws, seams and seals are as they were made, and how many screws can be seen.

    Settings: `timeout_s` seconds until each question ends unanswered.
    Measures: `answer` (`complete`, `none-visible`, `screw`, `gap` or `seal`), `note`, `screws_seen`.
    """
    said = await bench.person.ask(Prompt("screws-seals", PromptKind.CHOICE, _LOOK, _LOOK_STEPS, _ANSWERS, timeout_s))
    if said.value not in {choice.value for choice in _ANSWERS}:
        raise NotRun(_NO_SUCH_ANSWER.fill(value=said.value))
    source = f"person {said.person}"
    yield Measurement("answer", said.value, source)
    if said.note:
        yield Measurement("note", said.note, source)
    if said.value == "none-visible":
        yield Measurement("screws_seen", Decimal(0), source)
        return
    told = await bench.person.ask(Prompt("screws-seen", PromptKind.TEXT, _COUNT, _COUNT_STEPS, (), timeout_s))
    count = integer(told.value.strip())
    if count is None or not 0 <= count <= _MOST:
        yield Unread("screws_seen", _NO_COUNT.fill(value=told.value), f"person {told.person}")
    else:
        yield Measurement("screws_seen", Decimal(count), f"person {told.person}")
