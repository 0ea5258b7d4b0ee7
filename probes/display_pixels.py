"""Solid colours, a gradient and a grid on the phone's screen, and a person who looks for what is wrong with them.

Each pattern holds a faint digit at a random place. Only who has looked over every pattern can type them in order, so
that nobody can click through; wrong digits are asked for once more, and then nothing counts. The page is whole in
itself and knows nothing of the bench: a person taps through it and answers at the bench. Stands on `SelfTestPage`.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Literal

from drivers.api import SelfTestPage
from drivers.text import Words
from probes.api import Bench, Evidence, Measurement, NotRun, Prompt, PromptKind, Reading, Unread, probe

__all__ = ["PATTERNS", "Mark", "challenge", "display_pixels", "page"]

#: Each pattern: the background as CSS, and the colour and the plate of its digit. The contrast between digit and ground
#: is about 1.3 : 1 (WCAG 2.2, 1.4.3 asks 4.5 : 1 for text meant to be easy): seen by who looks, missed by who taps.
PATTERNS: dict[str, tuple[str, str, str]] = {
    "white": ("#ffffff", "#e0e0e0", "transparent"),
    "black": ("#000000", "#2b2b2b", "transparent"),
    "red": ("#ff0000", "#d90000", "transparent"),
    "green": ("#00ff00", "#00e000", "transparent"),
    "blue": ("#0000ff", "#2a2aff", "transparent"),
    "gray": ("#808080", "#929292", "transparent"),
    "gradient": ("linear-gradient(90deg,#000,#fff)", "#929292", "#808080"),
    "grid": (
        "repeating-linear-gradient(0deg,#fff 0 1px,transparent 1px 24px),"
        "repeating-linear-gradient(90deg,#fff 0 1px,transparent 1px 24px),#000",
        "#2b2b2b",
        "#000000",
    ),
}
Pattern = Literal["white", "black", "red", "green", "blue", "gray", "gradient", "grid"]
DEFAULT_PATTERNS: tuple[Pattern, ...] = ("white", "black", "red", "green", "blue", "gradient", "grid")

#: How often the digits may be typed: one slip is a person's, two mean that nobody looked.
TRIES = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """One pattern and the digit on it, with the place of the digit in per cent of the screen."""

    pattern: Pattern
    digit: str
    left: int
    top: int


def challenge(patterns: Sequence[Pattern], source: random.Random) -> tuple[Mark, ...]:
    """A digit and a place for each pattern; clear of the edges, where rounded corners and notches hide them."""
    return tuple(
        Mark(pattern, str(source.randrange(10)), source.randrange(8, 80), source.randrange(10, 78))
        for pattern in patterns
    )


def page(marks: Sequence[Mark]) -> bytes:
    """The page: a start screen, one full screen for each pattern, an end screen; a tap leads on. Loads nothing."""
    sections = "\n".join(
        f'<section class="pattern" data-name="{escape(mark.pattern)}" style="background:{PATTERNS[mark.pattern][0]}">'
        f'<span class="digit" style="left:{mark.left}%;top:{mark.top}%;color:{PATTERNS[mark.pattern][1]};'
        f'background:{PATTERNS[mark.pattern][2]}">{mark.digit}</span></section>'
        for mark in marks
    )
    return (_HEAD + sections + _TAIL).encode()


@probe(
    "android.display-pixels",
    needs=SelfTestPage,
    measures={"defective_pixels": "1", "defective_lines": "1", "even": "flag"},
    asks=True,
    writes=Words(
        "opens a page in the phone's browser, and goes back to the home screen", "在手机浏览器打开页面，随后返回桌面"
    ),
)
async def display_pixels(
    bench: Bench,
    *,
    patterns: tuple[Pattern, ...] = DEFAULT_PATTERNS,
    open_s: float = 20.0,
    timeout_s: float = 300.0,
) -> AsyncIterator[Reading]:
    """Defective pixels and lines as a person counts them, and whether the picture is even.

    Settings: `patterns` to show, in order; `open_s` seconds for the phone to load the page; `timeout_s` seconds for
    each question. Measures: `defective_pixels` and `defective_lines` as counted over all patterns; `even`: no stains,
    burnt-in pictures or clouds. Nothing is measured unless the digits on the patterns were read rightly.
    """
    marks = challenge(patterns, random.SystemRandom())
    html = page(marks)
    yield Evidence("page.html", html, "text/html")
    browser = bench.capability(SelfTestPage)  # type: ignore[type-abstract]  # mypy 1.x takes no protocol as a type[T]
    async with browser.show(html, deadline_s=open_s):
        await _digits_read("".join(mark.digit for mark in marks), bench, timeout_s)
        for name, title in (("defective_pixels", _PIXELS), ("defective_lines", _LINES)):
            yield await _count(bench, name, title, timeout_s)
        yield await _even(bench, timeout_s)


async def _digits_read(right: str, bench: Bench, timeout_s: float) -> None:
    """Wait for the right digits; raises `NotRun` when they stay wrong."""
    for at in range(TRIES):
        steps = (*_LOOK, _COUNT_OF_DIGITS.fill(count=len(right)))
        prompt = Prompt(f"digits-{at + 1}", PromptKind.TEXT, _AGAIN if at else _DIGITS, steps, (), timeout_s)
        answer = await bench.person.ask(prompt)
        if _plain(answer.value) == right:
            return
    raise NotRun(_WRONG_DIGITS.fill(tries=TRIES))


async def _count(bench: Bench, name: str, title: Words, timeout_s: float) -> Reading:
    """A number from a person; what is no number, also the second time, is not read."""
    for at in range(TRIES):
        prompt_id = name.replace("_", "-") + f"-{at + 1}"
        answer = await bench.person.ask(Prompt(prompt_id, PromptKind.TEXT, title, (_ZERO,), (), timeout_s))
        typed = unicodedata.normalize("NFKC", answer.value).strip()
        if typed.isascii() and typed.isdigit() and len(typed) <= 6:
            return Measurement(name, Decimal(typed), f"person {answer.person}")
    return Unread(name, _NO_NUMBER, f"person {answer.person}")


async def _even(bench: Bench, timeout_s: float) -> Reading:
    answer = await bench.person.ask(Prompt("even", PromptKind.VERDICT, _EVEN, (_EVEN_STEP,), (), timeout_s))
    source = f"person {answer.person}"
    if answer.value not in ("good", "bad"):
        return Unread("even", _NOT_SAID, source)
    return Measurement("even", answer.value == "good", source)


def _plain(typed: str) -> str:
    """What was typed, with full-width digits made plain and what people put between digits left out."""
    return "".join(char for char in unicodedata.normalize("NFKC", typed) if char not in " ,.-;/、，。")


_DIGITS = Words("Type the digits on the patterns, in order", "请按顺序输入各画面上的数字")
_AGAIN = Words("Not all digits are right: look again and type all of them", "数字不全对：请重新查看并输入全部数字")
_LOOK = (
    Words("Wipe the screen and set it to full brightness", "擦净屏幕并调到最大亮度"),
    Words(
        "Tap through the pictures on the phone; look over each for dots, lines and stains",
        "在手机上逐张点按画面，查看有无亮点、暗点、线条和斑痕",
    ),
    Words("Each picture holds one faint digit", "每张画面上有一个淡色数字"),
)
_COUNT_OF_DIGITS = Words("{count} digits in all", "共 {count} 个数字")
_PIXELS = Words("How many pixels are dead, stuck or of a wrong colour?", "坏点、亮点或颜色不对的像素有几个？")
_LINES = Words("How many lines are missing, stuck or of a wrong colour?", "缺失、常亮或颜色不对的线条有几条？")
_ZERO = Words("0 if there is none", "没有则输入 0")
_EVEN = Words("Is the picture even?", "画面是否均匀？")
_EVEN_STEP = Words(
    "Bad: stains, clouds, yellowed corners, burnt-in pictures", "异常包括：斑痕、云纹、四角发黄、烧屏残影"
)
_WRONG_DIGITS = Words(
    "the digits on the patterns were not read rightly in {tries} tries, so the screen was not looked over",
    "{tries} 次未能正确读出画面上的数字，视为未查看屏幕",
)
_NO_NUMBER = Words("no number was given; run this again", "未填写数量；请重测")
_NOT_SAID = Words("nobody judged it; run this again", "检测人未作判断；请重测")

_HEAD = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>Assay</title>
<meta name="viewport" content="width=device-width,initial-scale=1,user-scalable=no,viewport-fit=cover">
<style>
html,body{margin:0;height:100%;background:#000;overflow:hidden;touch-action:none;-webkit-user-select:none;user-select:none}
section{position:fixed;inset:0;display:none}
section.on{display:block}
section.say{background:#000;color:#fff;font:6vmin/1.6 sans-serif;text-align:center;padding:35vh 8vw 0}
.digit{position:absolute;font:bold 12vmin/1.2 sans-serif;padding:0 2vmin}
</style></head><body>
<section class="say on">轻点屏幕开始<br>Tap to start</section>
"""
# A tap within 0.4 s of the one before is a bounce or a double tap and would skip a picture unseen.
_TAIL = """
<section class="say">请在检测工位输入看到的数字<br>Type the digits at the bench<br>
<br>轻点可再看一遍<br>Tap to look again</section>
<script>
"use strict";
const screens=[...document.querySelectorAll("section")];let at=0,last=0;
document.addEventListener("click",event=>{
  if(!event.isTrusted||event.timeStamp-last<400)return;
  last=event.timeStamp;
  const root=document.documentElement;
  if(!document.fullscreenElement&&root.requestFullscreen)root.requestFullscreen().catch(()=>{});
  screens[at].classList.remove("on");at=(at+1)%screens.length;screens[at].classList.add("on");
});
</script></body></html>
"""
