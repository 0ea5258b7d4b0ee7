# ruff: noqa: E501 - the sample bench reads as a table
"""A scripted engine for the screen's tests: it says what the test has it say, in real messages, and keeps what it was told.

Also the sample bench that the tests and `show.py` draw: texts in both languages, every state of a card and of a check.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers.api import Side
from drivers.text import Words
from station.errors import Trouble
from station.messages import (
    BenchSnapshot,
    Card,
    CardStatus,
    CheckRow,
    Message,
    Ok,
    OutboxRow,
    OutboxView,
    PromptView,
    RunView,
    SessionView,
    TicketView,
    TodoRow,
)
from station.ui.app import AssayApp
from station.ui.seams import Bench, ChecklistChoice, Clock, Signatory, Signature, Tried

NOW = 1_763_754_120_000  # 2025-11-21 19:42 UTC
DIGEST = hashlib.sha256(b"a run").hexdigest()
WANG = Signatory("wang", "王建国", ("technician",))
LI = Signatory("li", "Li Wei", ("inspector", "technician"))
PIN = "correct horse"


class FrozenTime:
    """A monotonic clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Gone(Exception):
    """The socket broke."""


class ScriptedEngine:
    """An `Attached` that speaks real messages. Each attachment gets what was shown last, then what is shown next."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.bench_now: BenchSnapshot | None = None
        self.session_now: SessionView | None = None
        self.answers: dict[str, Callable[[Any], dict[str, Any]]] = {}
        self.refusals: dict[str, Trouble] = {}
        self.up = True
        self.attached = 0
        self._feeds: list[tuple[asyncio.Queue[Any], asyncio.Queue[Any]]] = []

    # --- what a test does ---

    def show(self, bench: BenchSnapshot) -> None:
        self.bench_now = bench
        for bench_feed, _session in self._feeds:
            bench_feed.put_nowait(bench)

    def show_session(self, view: SessionView) -> None:
        self.session_now = view
        for _bench, session in self._feeds:
            session.put_nowait(view)

    def die(self) -> None:
        self.up = False
        for feeds in self._feeds:
            for feed in feeds:
                feed.put_nowait(None)
        self._feeds.clear()

    def commands(self, kind: type[Message]) -> list[Any]:
        return [one for one in self.told if isinstance(one, kind)]

    def refuse(self, command: str, code: str = "test.no") -> None:
        self.refusals[command] = Trouble(
            code, Words("that cannot be", "这样不行"), Side.PERSON, Words("do it otherwise", "换个方法")
        )

    # --- what the screen sees ---

    async def connect(self) -> Connection:
        if not self.up:
            raise ConnectionRefusedError("no engine")
        self.attached += 1
        feeds: tuple[asyncio.Queue[Any], asyncio.Queue[Any]] = (asyncio.Queue(), asyncio.Queue())
        self._feeds.append(feeds)
        if self.bench_now is not None:
            feeds[0].put_nowait(self.bench_now)
        return Connection(self, *feeds)


class Connection:
    """One attachment."""

    def __init__(self, engine: ScriptedEngine, bench: asyncio.Queue[Any], session: asyncio.Queue[Any]) -> None:
        self._engine, self._bench, self._session = engine, bench, session

    async def send(self, command: Any) -> Ok:
        engine = self._engine
        engine.told.append(command)
        if command.command in engine.refusals:
            raise engine.refusals[command.command]
        if command.command == "watch" and engine.session_now is not None and command.slot == engine.session_now.slot:
            self._session.put_nowait(engine.session_now)
        answer = engine.answers.get(command.command)
        return Ok(id=len(engine.told), data=answer(command) if answer else {})

    async def bench(self) -> AsyncIterator[BenchSnapshot]:
        while (one := await self._bench.get()) is not None:
            yield one

    async def session(self) -> AsyncIterator[SessionView]:
        while (one := await self._session.get()) is not None:
            yield one

    async def close(self) -> None:
        return None


class ScriptedSigner:
    """Real Ed25519 keys behind one PIN."""

    def __init__(self, people: Sequence[Signatory] = (WANG, LI)) -> None:
        self._people = people
        self.keys = {one.person: Ed25519PrivateKey.generate() for one in people}
        self.signed: list[tuple[str, bytes]] = []

    def people(self) -> Sequence[Signatory]:
        return self._people

    def sign(self, person: str, pin: str, payload: bytes, tried: Callable[[Tried], None]) -> Signature:
        right = pin == PIN
        tried(Tried(person, "k" * 64, "opened" if right else "wrong", 0 if right else 1, NOW))
        if not right:
            raise Trouble("people.wrong-pin", Words("wrong PIN", "PIN 错误"), Side.PERSON, Words("try again", "请重试"))
        self.signed.append((person, payload))
        return Signature("k" * 64, base64.b64encode(self.keys[person].sign(payload)).decode())


def checklists() -> list[ChecklistChoice]:
    return [
        ChecklistChoice("android-intake", Words("Android intake", "安卓接件检查"), ("intake", "diagnosis")),
        ChecklistChoice("android-post-repair", Words("Android after repair", "安卓维修后自检"), ("self-check",)),
        ChecklistChoice("android-cross-check", Words("Android cross-check", "安卓互检"), ("cross-check",)),
    ]


def make_app(engine: ScriptedEngine, person: Signatory | None = WANG, ascii_only: bool = False) -> AssayApp:
    """An app on the scripted engine, its clock standing still."""
    app = AssayApp(Bench(engine.connect, ScriptedSigner(), checklists, Clock(FrozenTime(), UTC)), ascii_only)
    app.person = person
    return app


def screen_text(app: AssayApp) -> str:
    """The screen as the terminal would show it, one line a row."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


# --- the sample bench ------------------------------------------------------------------------------------------------


def card(slot: int, status: str, model: str, tail: str, en: str, zh: str, **more: Any) -> Card:
    return Card(
        slot=slot,
        status=CardStatus(status),
        model=model,
        serial_tail=tail,
        headline=Words(en, zh),
        simulated=True,
        **more,
    )


def sample_cards() -> tuple[Card, ...]:
    passed = ("pass",) * 13
    return (
        card(
            1, "running", "小米14 Ultra", "5809", "charge current  7/13", "充电电流  第 7/13 项",
            ticket="T2511-0412", marks=("pass",) * 6 + (">",) + ("",) * 6, done=6, total=13,
        ),
        card(
            2, "your-turn", "Pixel 7", "7714", "your turn: keys", "请操作：按键", ticket="T2511-0411",
            marks=("pass",) * 9 + (">", "", "", ""), done=9, total=13, since_ms=NOW - 24_000,
        ),
        card(
            3, "fail", "Galaxy S24", "3320", "2 failed", "2 项不合格", ticket="T2511-0410",
            marks=("pass", "pass", "fail", *("pass",) * 7, "fail", "pass", "pass"), done=13, total=13,
            next_step=Words("look through it, then sign", "请核对后签字"),
        ),
        card(4, "pass", "Pixel 8 Pro", "9021", "PASS 13/13", "合格 13/13", ticket="T2511-0409", marks=passed, done=13, total=13),
        card(
            5, "blocked", "Nokia 5.4", "0015", "The phone does not trust this bench yet", "手机尚未信任本工位",
            next_step=Words("Unlock the phone and tap Allow", "请解锁手机并点“允许”"), since_ms=NOW - 11_000,
        ),
        card(6, "identifying", "", "", "identifying", "识别中"),
        card(
            7, "warn", "HUAWEI Mate60", "1187", "1 warnings", "1 项预警", marks=("pass", "warn", "info"), done=3, total=3,
        ),
        card(8, "lost", "Moto G", "4471", "lost during the check", "检测中掉线", marks=("pass", "none"), done=2, total=5),
        card(9, "not-run", "vivo X100", "2210", "1 not run", "1 项未检", marks=("pass", "none"), done=2, total=2),
        card(10, "ready", "OnePlus 12", "6623", "ready", "就绪", next_step=Words("start a check", "请开始检测")),
    )  # fmt: skip


def sample_bench(**changes: Any) -> BenchSnapshot:
    bench = BenchSnapshot(
        version=1,
        station="B-03",
        shop="Example",
        simulated=True,
        cards=sample_cards(),
        todo=(
            TodoRow(slot=4, ticket="T2511-0409", model="Pixel 8 Pro", what=Words("cross-check", "互检"), since_ms=NOW - 160_000),
            TodoRow(slot=2, ticket="T2511-0411", model="Pixel 7", what=Words("press volume up", "按音量上键"), since_ms=NOW - 24_000),
            TodoRow(slot=None, ticket="T2511-0388", model="Mi A1", what=Words("release", "放行"), since_ms=NOW - 9_000),
        ),
        links={"adb": Words("ok", "正常")},
        troubles=(),
        outbox=3,
        rejected=1,
        now_ms=NOW,
    )  # fmt: skip
    return bench.model_copy(update=changes)


def row(check: str, en: str, zh: str, state: str = "ended", **more: Any) -> CheckRow:
    return CheckRow(
        id=check, title=Words(en, zh), layer=more.pop("layer", "hard"), required=more.pop("required", True),
        state=state, **more,
    )  # fmt: skip


def done_row(check: str, en: str, zh: str, verdict: str = "pass", **more: Any) -> CheckRow:
    more.setdefault("ending", "completed")
    more.setdefault("seconds", 0.4)
    return row(check, en, zh, verdict=verdict, attempts=more.pop("attempts", 1), **more)


def running_rows() -> tuple[CheckRow, ...]:
    return (
        done_row("identity", "identity", "识别", layer="soft", measured="imei …3809", evidence=(("getprop", DIGEST),)),
        done_row("os-integrity", "system integrity", "系统完整性", "warn", layer="soft", measured="orange", limit="= green"),
        done_row("crashes", "crashes", "崩溃日志", "info", layer="soft", measured="2"),
        done_row(
            "storage-space", "storage space", "存储空间", "none", layer="soft", ending="errored", side="bench",
            reason=Words("the phone did not answer in 10 s", "手机 10 秒内未应答"), required=False,
        ),
        done_row("battery-health", "battery health", "电池健康度", measured="92 %", limit="≥ 80 %", seconds=1.1),
        done_row(
            "sensors", "sensors", "传感器", measured="12", limit="≥ 6", attempts=2, failed_before=True,
        ),
        done_row(
            "cameras", "cameras", "摄像头", "fail", measured="1", limit="≥ 2", finding="CAM-01", side="phone",
            reason=Words("one camera is missing", "缺少一个摄像头"),
        ),
        row("battery-electrical", "battery electrical", "电池电气", "running", seconds=12.0),
        row("wifi", "Wi-Fi", "WLAN", "waiting"),
        row("keys", "keys", "按键", "waiting"),
    )  # fmt: skip


def run(rows: Sequence[CheckRow], state: str = "running", **more: Any) -> RunView:
    counted: dict[str, int] = {"pass": 0, "warn": 0, "fail": 0, "info": 0, "not_run": 0}
    for one in rows:
        counted[one.verdict if one.verdict in counted else "not_run"] += 1
    about: dict[str, Any] = {
        "run": "T2511-0412-r1",
        "ticket": "T2511-0412",
        "stage": "intake",
        "checklist": "android-intake",
        "checklist_title": Words("Android intake", "安卓接件检查"),
        "person": "wang",
        "started_ms": NOW - 291_000,
        "ended_ms": None if state == "running" else NOW,
        "summary": counted,
    }
    return RunView(state=state, checks=tuple(rows), **about | more)


def passed_rows() -> tuple[CheckRow, ...]:
    return (
        done_row("identity", "identity", "识别", layer="soft"),
        done_row("battery-health", "battery health", "电池健康度", measured="92 %", limit="≥ 80 %"),
        done_row("crashes", "crashes", "崩溃日志", "info", layer="soft", measured="2"),
        done_row("keys", "keys", "按键", measured="3/3", limit="= 3/3"),
    )


def ticket(**changes: Any) -> TicketView:
    made = TicketView(
        ticket="T2511-0412",
        state="cross-check due",
        state_words=Words("cross-check due", "待互检"),
        model="小米14 Ultra",
        imei_tail="3809",
        complaint="no sound after a fall 摔过以后外放没声音",
        opened_ms=NOW - 1_300_000,
        runs=(
            run(running_rows()[:7], "sealed", run="r1", record=DIGEST, signed_by="wang"),
            run(passed_rows(), "sealed", run="r2", stage="self-check", record=DIGEST, signed_by="wang"),
        ),
        records=(
            {"record": "intake/v1", "digest": "1f" * 32, "seq": 41, "person": "wang", "role": "", "meaning": ""},
            {"record": "run/v1", "digest": DIGEST, "seq": 42, "person": "wang", "stage": "self-check"},
            {"record": "signoff/v1", "digest": "2e" * 32, "seq": 43, "person": "wang", "role": "technician", "meaning": "performed"},
        ),
        release=None,
        release_reasons=(),
    )  # fmt: skip
    return made.model_copy(update=changes)


def session(slot: int = 1, **changes: Any) -> SessionView:
    cards = {one.slot: one for one in sample_cards()}
    made = SessionView(
        version=1,
        slot=slot,
        card=cards[slot],
        identity={"imei1": "356938035643809", "serial": "29481/00XW1234", "os": "Android 14", "model": "小米14 Ultra"},
        ticket=ticket(state="diagnosing", state_words=Words("diagnosing", "检测中")),
        run=run(running_rows()),
        prompt=None,
        log=("19:42:07 dumpsys battery → level=61", "19:42:08 thermal 36.4 °C"),
    )  # fmt: skip
    return made.model_copy(update=changes)


def prompt(kind: str = "verdict", **changes: Any) -> PromptView:
    made = PromptView(
        slot=1,
        attempt="a7",
        id="volume-up",
        kind=kind,
        check_title=Words("display pixels", "显示坏点"),
        title=Words("Look at the screen: is every colour even?", "请看屏幕：每种颜色是否均匀？"),
        steps=(
            Words("turn the brightness up", "把亮度调到最高"),
            Words("look at red, green, blue, white and black", "依次看红、绿、蓝、白、黑"),
        ),
        choices=(),
        asked_ms=NOW - 7_000,
        ends_ms=NOW + 23_000,
    )
    return made.model_copy(update=changes)


def asked(kind: str = "verdict", **changes: Any) -> SessionView:
    rows = [
        one if one.id != "battery-electrical" else one.model_copy(update={"state": "your-turn"})
        for one in running_rows()
    ]
    return session(run=run(rows), prompt=prompt(kind, **changes))


CHOICES = (
    ("three", Words("three dots", "三个点"), "3"),
    ("four", Words("four dots", "四个点"), "4"),
    ("none", Words("none", "没有"), ""),
)


def statement(kind: str = "signoff", **more: Any) -> dict[str, Any]:
    """What the engine prepares: payload in base64 and the same, readable."""
    predicate = {
        "ticket": "T2511-0412",
        "target": DIGEST,
        "target_kind": "run/v1",
        "person": "wang",
        "printed_name": "王建国",
        "role": "technician",
        "meaning": "performed",
        "shop": "Example",
        "station": "B-03",
        "simulated": True,
        **more,
    }
    said = {"predicateType": f"https://assay.invalid/{kind}/v1", "predicate": predicate}
    return {"payload": base64.b64encode(json.dumps(said, ensure_ascii=False).encode()).decode(), "statement": said}


def outbox(**changes: Any) -> OutboxView:
    made = OutboxView(
        rows=(
            OutboxRow(seq=41, digest="1f" * 32, kind="intake/v1", ticket="T2511-0412", state="waiting", tries=4, next_ms=NOW + 41_000),
            OutboxRow(seq=42, digest=DIGEST, kind="run/v1", ticket="T2511-0412", state="waiting", tries=0, next_ms=0),
            OutboxRow(
                seq=38, digest="2e" * 32, kind="signoff/v1", ticket="T2511-0388", state="rejected", tries=2, next_ms=0,
                reason=Words("ticket closed (409)", "工单已关闭 (409)"),
            ),
        ),
        acknowledged=36,
        head_office="https://head.example",
        trouble=Words("head office does not answer (no route)", "总部没有响应 (网络不通)"),
        next_step=Words("check the network; nothing is lost", "请检查网络; 数据没有丢失"),
        waiting=2,
        rejected=1,
        next_ms=NOW + 41_000,
    )  # fmt: skip
    return made.model_copy(update=changes)


def scripted() -> ScriptedEngine:
    """The sample engine: a full bench, one running slot, answers to every question."""
    engine = ScriptedEngine()
    engine.bench_now = sample_bench()
    engine.session_now = session()
    engine.answers = {
        "ticket": lambda _c: ticket().model_dump(mode="json"),
        "tickets": lambda _c: {
            "tickets": [
                {"ticket": "T2511-0412", "state": "cross-check due", "model": "小米14 Ultra", "opened_ms": NOW},
                {"ticket": "T2511-0411", "state": "diagnosing", "model": "Pixel 7", "opened_ms": NOW - 3_600_000},
            ]
        },
        "outbox": lambda _c: outbox().model_dump(mode="json"),
        "prepare-signoff": lambda c: statement(
            target=c.target, person=c.person, role=c.role, meaning=c.meaning, printed_name=c.person
        ),
        "prepare-release": lambda c: {
            "decision": "released", "reasons": [], **statement("release", person=c.person, decision="released"),
        },
        "close-run": lambda _c: {"record": DIGEST},
        "commit": lambda _c: {"digest": "3d" * 32},
        "intake": lambda c: {"ticket": c.ticket or "T2511-0413", "record": DIGEST},
        "evidence": lambda _c: {
            "name": "getprop",
            "media_type": "text/plain",
            "base64": base64.b64encode(b"[ro.product.model]: [X]\r\n\x1b[2Jgone\x07").decode(),
        },
    }  # fmt: skip
    return engine
