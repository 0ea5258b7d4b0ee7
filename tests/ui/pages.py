"""Every page of the screen, and the keys that lead there on the scripted engine: goldens and crawls go through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ui_script import (
    CHOICES,
    NOW,
    ScriptedEngine,
    asked,
    outbox,
    passed_rows,
    run,
    running_rows,
    sample_bench,
    scripted,
    session,
    ticket,
)

from drivers.text import Words


@dataclass(frozen=True)
class PageCase:
    """A page: what the engine says first, and the keys that open it."""

    name: str
    keys: tuple[str, ...]
    prepare: Callable[[ScriptedEngine], None] = lambda _engine: None


SLOT_1 = ("1", "enter")


def _session(**changes: object) -> Callable[[ScriptedEngine], None]:
    def prepare(engine: ScriptedEngine) -> None:
        engine.session_now = session(**changes)

    return prepare


def _asked(kind: str, **changes: object) -> Callable[[ScriptedEngine], None]:
    def prepare(engine: ScriptedEngine) -> None:
        engine.session_now = asked(kind, **changes)

    return prepare


def _finished(rows: object, **more: object) -> Callable[[ScriptedEngine], None]:
    return _session(run=run(rows, "finished", **more))


def _stopped(engine: ScriptedEngine) -> None:
    """A run that ended early: some checks were never begun."""
    rows = running_rows()
    left = tuple(row.id for row in rows if row.state == "waiting")
    ended = tuple(row for row in rows if row.state in {"ended", "waiting"})
    why = Words("the phone was unplugged", "手机已拔出")
    engine.session_now = session(run=run(ended, "finished", stopped=why, resumable=left))


def _refused(engine: ScriptedEngine) -> None:
    engine.answers["ticket"] = lambda _c: ticket(
        release_reasons=(
            Words("the cross-check is missing", "缺少互检"),
            Words("battery-health is not satisfied: fail", "电池健康度未通过：不合格"),
        )
    ).model_dump(mode="json")


def _compared(engine: ScriptedEngine) -> None:
    worse = [one if one.id != "keys" else one.model_copy(update={"verdict": "fail"}) for one in passed_rows()]
    runs = (*ticket().runs, run(worse, "sealed", run="r3", stage="cross-check", record="ab" * 32, signed_by="li"))
    engine.answers["ticket"] = lambda _c: ticket(runs=runs).model_dump(mode="json")


def _troubled(engine: ScriptedEngine) -> None:
    engine.bench_now = sample_bench(
        troubles=(Words("the adb server does not answer; it is being started again", "adb 服务无响应，正在重新启动"),),
        links={"adb": Words("down", "异常")},
    )


def _nothing_waits(engine: ScriptedEngine) -> None:
    engine.answers["outbox"] = lambda _c: outbox(
        rows=(), trouble=None, next_step=None, waiting=0, rejected=0, next_ms=0
    ).model_dump(mode="json")


def _field(name: str, en: str, zh: str, kind: str = "text", **more: object) -> dict[str, object]:
    plain = {"required": False, "most": 400, "help": None, "choices": [], "columns": [], "given": None}
    return {"name": name, "label": [en, zh], "kind": kind, **plain, **more}


STEPS = [
    {
        "id": "release",
        "title": ["release", "放行"],
        "about": ["the phone may go", "可以放行"],
        "kind": "release/v1",
        "why_not": ["there is no self-check run", "没有自检记录"],
        "fields": [],
    },
    {
        "id": "plan",
        "title": ["repair plan", "维修方案"],
        "about": [
            "cause, parts, price and time, frozen by the customer's consent",
            "原因、备件、价格与时间，客户确认后冻结",
        ],
        "kind": "plan/v1",
        "why_not": None,
        "fields": [
            _field("cause", "cause", "故障原因", required=True),
            _field(
                "risks",
                "risks",
                "风险",
                "choices",
                choices=[
                    ["data", ["data may be lost", "数据可能丢失"]],
                    ["seal", ["not watertight again", "无法恢复防水"]],
                    ["glass", ["the glass may break", "屏幕可能破裂"]],
                ],
                given="seal",
            ),
            _field(
                "way",
                "way",
                "方式",
                "choice",
                choices=[["shop", ["in the shop", "店内维修"]], ["factory", ["sent out", "返厂"]]],
                given="shop",
            ),
            _field(
                "parts",
                "part",
                "备件",
                "rows",
                most=6,
                columns=[_field("part", "part", "备件"), _field("price", "price", "价格", "money")],
                given=[{"part": "battery", "price": "199"}],
            ),
            _field("risks_told", "the customer was told of the risks", "已告知客户风险", "tick", required=True),
            _field("photos", "photo", "照片", "photos", most=4),
            _field("by", "who decides", "决定人", group=["somebody else decides", "由他人决定"]),
            _field("day", "on which day", "日期", "date", group=["somebody else decides", "由他人决定"]),
        ],
    },
]


def _steps(engine: ScriptedEngine) -> None:
    engine.answers["steps"] = lambda _c: {"steps": STEPS}
    said = [["battery 199.00, labour 50.00: 249.00", "电池 199.00，工时 50.00：合计 249.00"]]
    engine.answers["preview-step"] = lambda _c: {"says": said, "predicate": {}}


def _causes(engine: ScriptedEngine) -> None:
    """A field that is chosen from a long list, the likeliest first."""
    names = [("battery-worn", "worn battery", "电池老化"), ("storage-full", "storage full", "存储已满")]
    names += [(f"other-{n}", f"something else {n}", f"其他原因 {n}") for n in range(20)]
    chances = ((80 // (n + 1), *one) for n, one in enumerate(names))
    choices = [[code, [f"{chance} %: {en}", f"{chance}%：{zh}"]] for chance, code, en, zh in chances]
    plan = {**STEPS[1], "fields": [_field("cause", "cause", "故障原因", choices=choices, given="battery-worn")]}
    engine.answers["steps"] = lambda _c: {"steps": [plan]}


PAGES = (
    PageCase("overview", ()),
    PageCase("overview-troubles", (), _troubled),
    PageCase("device", SLOT_1),
    PageCase("device-selected-fail", (*SLOT_1, "up")),
    PageCase("device-ready", ("1", "0"), _session(slot=10, run=None, ticket=None)),
    PageCase("prompt-verdict", SLOT_1, _asked("verdict")),
    PageCase("prompt-choice", SLOT_1, _asked("choice", choices=CHOICES)),
    PageCase("prompt-text", SLOT_1, _asked("text")),
    PageCase("prompt-wait", SLOT_1, _asked("wait")),
    PageCase("prompt-time-is-up", SLOT_1, _asked("verdict", ends_ms=NOW - 1)),
    PageCase("reason", (*SLOT_1, "s"), _asked("verdict")),
    PageCase("result-pass", SLOT_1, _finished(passed_rows())),
    PageCase("result-fail", SLOT_1, _finished(running_rows()[:7])),
    PageCase("result-warn", SLOT_1, _finished(running_rows()[:2])),
    PageCase("result-not-run", SLOT_1, _finished((*passed_rows(), *running_rows()[8:]))),
    PageCase("result-stopped", SLOT_1, _stopped),
    PageCase("sign", (*SLOT_1, "f9"), _finished(passed_rows())),
    PageCase("start", ("1", "0", "k"), _session(slot=10, run=None, ticket=None)),
    PageCase("intake", ("1", "0", "n"), _session(slot=10, run=None, ticket=None)),
    PageCase("person", ("f3",)),
    PageCase("tickets", ("t",)),
    PageCase("ticket", ("t", "enter")),
    PageCase("steps", ("t", "enter", "n"), _steps),
    PageCase("step-form", ("t", "enter", "n", "enter"), _steps),
    PageCase("step-form-list", ("t", "enter", "n", "enter", "enter", "down", "space"), _steps),
    PageCase("step-form-table", ("t", "enter", "n", "enter", *["tab"] * 4, *"glue", "enter"), _steps),
    PageCase("step-form-causes", ("t", "enter", "n", "enter", "down", *"8"), _causes),
    PageCase("step-form-says", ("t", "enter", "n", "enter", *"tired", "f8"), _steps),
    PageCase("cross-check-blind", ("q", "enter")),
    PageCase("cross-check-differs", ("q", "enter"), _compared),
    PageCase("release-refused", ("q", "enter"), _refused),
    PageCase("release-sign", ("q", "enter", "f9"), _compared),
    PageCase("outbox", ("o",)),
    PageCase("outbox-empty", ("o",), _nothing_waits),
    PageCase("evidence", (*SLOT_1, "up", "up", "up", "up", "up", "up", "up", "v", "enter")),
    PageCase("history", (*SLOT_1, "h")),
    PageCase("help", ("question_mark",)),
)


def engine_for(page: PageCase) -> ScriptedEngine:
    """A scripted engine as the page needs it."""
    engine = scripted()
    page.prepare(engine)
    return engine


__all__ = ["PAGES", "PageCase", "engine_for"]
