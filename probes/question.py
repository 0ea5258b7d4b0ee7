"""A question to a person, and a person's record of how a phone looks: checks that need no code, only texts.

The texts are settings and so live in checklists. A person's word is a measurement like any other: what it means is for
limits to say. Stands on `Person` alone; no device is touched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Literal

from drivers.text import Words
from probes.api import Answer, Bench, Choice, Measurement, NotRun, Prompt, PromptKind, Reading, Skipped, Unread, probe

__all__ = ["FACES", "GRADES", "appearance", "question"]

#: A person's "not applicable" is their word, not the phone's own evidence: it is a skip, which a release does not take.
_NOT_APPLICABLE = Words("{person} says that it does not apply: {note}", "{person} 认为不适用：{note}")
_NO_SUCH_ANSWER = Words("{value} is not among the answers", "“{value}”不在可选答案中")


@probe("person.question", measures={"answer": "text", "note": "text"}, asks=True)
async def question(
    bench: Bench,
    *,
    title: Words,
    steps: tuple[Words, ...] = (),
    answer: Literal["verdict", "text"] | tuple[Choice, ...] = "verdict",
    timeout_s: float = 300.0,
) -> AsyncIterator[Reading]:
    """One question to a person.

    Settings: `title` and `steps` say what to do; `answer` is `"verdict"` (good or bad), `"text"` (typed or scanned), or
    the list of choices, each with `value`, `label` and `key`; `timeout_s` seconds until it ends unanswered.
    Measures: `answer`, which is `good` or `bad`, the text, or the `value` of the choice; `note`, if one was given.
    """
    kind, choices = PromptKind.CHOICE, answer
    if isinstance(answer, str):
        kind, choices = PromptKind(answer), ()
    assert not isinstance(choices, str)  # noqa: S101 - narrows the type
    prompt = Prompt("question", kind, title, steps, choices, timeout_s)
    said = await bench.person.ask(prompt)
    for reading in _answered(prompt, said):
        yield reading


def _answered(prompt: Prompt, said: Answer) -> Iterator[Reading]:
    allowed = {
        PromptKind.CHOICE: tuple(choice.value for choice in prompt.choices),
        PromptKind.VERDICT: ("good", "bad"),
    }
    if prompt.kind is PromptKind.VERDICT and said.value == "not-applicable":
        raise Skipped(_NOT_APPLICABLE.fill(person=said.person, note=said.note or "–"))
    if said.value not in allowed.get(prompt.kind, (said.value,)):
        raise NotRun(_NO_SUCH_ANSWER.fill(value=said.value))
    source = f"person {said.person}"
    yield Measurement("answer", said.value, source)
    if said.note:
        yield Measurement("note", said.note, source)


# --- appearance ------------------------------------------------------------------------------------------------------

#: The six faces, as a phone lies on the bench with its screen up.
FACES = {
    "front": Words("front", "正面"),
    "back": Words("back", "背面"),
    "top": Words("top edge", "顶部"),
    "bottom": Words("bottom edge", "底部"),
    "left": Words("left edge", "左侧"),
    "right": Words("right edge", "右侧"),
}

#: How worn a face is, from 0 up, so that "worse than before" can be told.
GRADES = {
    "none": Words("no marks", "无痕迹"),
    "light": Words("light wear: hairlines, only seen at an angle", "轻微使用痕迹：细纹，斜看可见"),
    "marked": Words("marked: scratches, dents or chips to feel", "明显痕迹：可触及的划痕、磕碰"),
    "broken": Words("broken: cracked, bent, lifted or missing parts", "破损：裂纹、弯曲、翘起或缺件"),
}

_INDICATOR = {
    "white": Words("white", "白色"),
    "red": Words("red or pink", "红色或粉色"),
    "not-visible": Words("not visible from outside", "外部不可见"),
}
_SCREWS = {
    "complete": Words("complete, no gaps, seals unbroken", "齐全，无缝隙，封签完好"),
    "none-visible": Words("this model shows none", "此机型外部无螺丝"),
    "incomplete": Words("one is missing, wrong or damaged, or a gap shows", "有缺失、错装、损坏或缝隙"),
}

_FACE = Words("How does the {face} look?", "{face}外观如何？")
_FACE_STEPS = (
    Words("Clean it and tilt it under the lamp", "擦净后在灯下倾斜观察"),
    Words("Describe each mark and its place in the note", "请在备注中写明每处痕迹及位置"),
)
_INDICATOR_TITLE = Words("What colour is the liquid indicator?", "进液标签是什么颜色？")
_INDICATOR_STEPS = (Words("It sits in the SIM slot on most models", "多数机型位于卡槽内"),)
_SCREWS_TITLE = Words("Are the outer screws, gaps and seals as they should be?", "外部螺丝、缝隙和封签是否正常？")
_HIDDEN = Words("the indicator can't be seen from outside", "进液标签外部不可见")


@probe(
    "person.appearance",
    measures={
        **dict.fromkeys(FACES, "text"),
        **{f"{face}_wear": "1" for face in FACES},
        "liquid_indicator": "text",
        "screws": "text",
    },
    asks=True,
)
async def appearance(bench: Bench, *, timeout_s: float = 300.0) -> AsyncIterator[Reading]:
    """A person's record of the six faces, the liquid indicator and the screws.

    Settings: `timeout_s` seconds until each question ends unanswered.
    Measures, for each face: its grade with the note (`front`), and the grade as a number from 0, no marks, to 3, broken
    (`front_wear`), so that a limit can say "no worse than at intake". `liquid_indicator` and `screws` as chosen.
    """
    for face, name in FACES.items():
        said = await _choose(bench, face, _FACE.fill(face=name), _FACE_STEPS, GRADES, timeout_s)
        source = f"person {said.person}"
        yield Measurement(face, f"{said.value}: {said.note}" if said.note else said.value, source)
        yield Measurement(f"{face}_wear", Decimal(list(GRADES).index(said.value)), source)
    said = await _choose(bench, "liquid-indicator", _INDICATOR_TITLE, _INDICATOR_STEPS, _INDICATOR, timeout_s)
    if said.value == "not-visible":
        yield Unread("liquid_indicator", _HIDDEN, f"person {said.person}")
    else:
        yield Measurement("liquid_indicator", said.value, f"person {said.person}")
    said = await _choose(bench, "screws", _SCREWS_TITLE, (), _SCREWS, timeout_s)
    yield Measurement("screws", said.value, f"person {said.person}")


async def _choose(
    bench: Bench, prompt_id: str, title: Words, steps: tuple[Words, ...], labels: dict[str, Words], timeout_s: float
) -> Answer:
    """Let a person choose one of the values; keys are 1, 2, ... in their order."""
    choices = tuple(Choice(value, label, str(at)) for at, (value, label) in enumerate(labels.items(), 1))
    said = await bench.person.ask(Prompt(prompt_id, PromptKind.CHOICE, title, steps, choices, timeout_s))
    if said.value not in labels:
        raise NotRun(_NO_SUCH_ANSWER.fill(value=said.value))
    return said
