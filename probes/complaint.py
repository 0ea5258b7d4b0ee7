"""Whether the complaint is gone: what brought the fault on is done again, N times, by a person who proves to be there.

What has to be done depends on the complaint, which comes with the ticket in the customer's words and by its codes; the
steps for the commonest are here. The proof is the minute of the phone's own clock, asked at a try that chance chooses:
only who has the phone in hand and a screen that shows something can answer. "Could not try" is neither gone nor back.
"""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from drivers.api import Shell
from drivers.text import Words
from probes.answers import as_value
from probes.apart import apart
from probes.api import Bench, Choice, Measurement, NotRun, Prompt, PromptKind, Reading, Unread, probe
from probes.crashes import CLOCK, phone_clock
from probes.units import FLAG, LIST

__all__ = ["SYMPTOM_STEPS", "complaint_gone", "steps_for", "steps_of"]

#: What to do again, for the symptoms of the policy (checklists/diagnosis) that begin so. The first that fits counts.
SYMPTOM_STEPS: tuple[tuple[tuple[str, ...], tuple[Words, ...]], ...] = (
    (
        ("not-charging", "charges", "no-wireless", "no-computer"),
        (
            Words("Plug a charger in, one way round and the other; wiggle the plug", "正反两面插入充电器，并轻晃插头"),
            Words("Watch the charging sign for ten seconds each", "每次观察充电标志十秒"),
        ),
    ),
    (
        ("drains", "battery", "phone-hot"),
        (
            Words("Play a film for five minutes; see how many per cent it took", "播放视频五分钟，记录耗电百分比"),
            Words("Feel whether the phone grows hot", "用手感觉是否发热"),
        ),
    ),
    (
        ("call-not-heard", "no-mic", "microphone"),
        (Words("Record yourself with the voice recorder and listen to it", "用录音机录音并回放"),),
    ),
    (
        ("no-sound", "sound", "call"),
        (
            Words("Play a ring tone at full volume", "最大音量播放铃声"),
            Words("Call a test number and listen through the earpiece", "拨打测试号码，用听筒接听"),
        ),
    ),
    (
        ("touch", "key"),
        (
            Words(
                "Draw slowly over the whole screen, edges included; press each key",
                "在全屏（含边缘）慢慢划线，并逐个按动按键",
            ),
        ),
    ),
    (
        ("screen", "no-autorotate", "auto-brightness"),
        (
            Words(
                "Look at a white, a black and a moving picture; press the frame gently",
                "查看白、黑及动态画面，并轻压边框",
            ),
        ),
    ),
    (
        ("no-service", "weak-signal", "sim", "no-mobile", "wifi", "bluetooth", "nfc", "gps"),
        (Words("Switch aeroplane mode on and off; connect again; load a page", "开关飞行模式，重新连接，打开网页"),),
    ),
    (
        ("camera", "front-camera", "flash"),
        (Words("Take a picture and a ten-second film with the lens in question", "用相关镜头拍照并录像十秒"),),
    ),
    (
        ("no-power", "no-boot", "random", "freezes", "slow", "app-crashes"),
        (
            Words("Switch the phone off and on", "关机后再开机"),
            Words(
                "Use it for five minutes: camera, film, page; knock on it gently",
                "使用五分钟：相机、视频、网页；并轻敲机身",
            ),
        ),
    ),
)
_ANY_STEPS = (Words("Do again what the ticket says brings the fault on", "请重复工单所述的触发操作"),)

_SAID = Words("The customer said: {words}", "客户描述：{words}")
_TITLE = Words("Try {number} of {tries}: is the complaint gone?", "第 {number}/{tries} 次：客户反映的故障是否消失？")
_GONE = Words("Gone: tried, and it did not come back", "已消失：已尝试，未再现")
_BACK = Words("It came back", "故障再现")
_COULD_NOT = Words("Could not be tried", "无法尝试")
_MINUTE = Words("Which minute does the phone's clock show right now?", "手机时钟现在显示的分钟数是多少？")
_MINUTE_STEPS = (Words("Two digits, from the phone's own screen", "请看手机屏幕，输入两位数字"),)
_NOBODY = Words(
    "the minute was not that of the phone's clock: nobody had the phone in hand",
    "分钟数与手机时钟不符：无法确认有人持机操作",
)
_NOT_TRIED = Words("it could not be tried", "无法尝试")
_NO_CLOCK = Words("the phone's clock could not be read", "无法读取手机时间")
#: Minutes that the answer may be away: it takes a moment to look and to type.
_TOLERANCE_MIN = 2


def steps_for(symptom: str) -> tuple[Words, ...]:
    """What to do again for that symptom; for one that is not known, what the ticket says."""
    return next((steps for names, steps in SYMPTOM_STEPS if symptom.startswith(names)), _ANY_STEPS)


def steps_of(complaint: str, symptoms: Sequence[str]) -> tuple[Words, ...]:
    """What to do again for a ticket: the customer's words, then the steps of each symptom, each once."""
    said = (_SAID.fill(words=complaint),) if complaint else ()
    steps = [step for symptom in symptoms or ("",) for step in steps_for(symptom)]
    return (*said, *dict.fromkeys(steps))


async def _minute(shell: Shell) -> int:
    told = await shell.run(CLOCK.script, deadline_s=CLOCK.timeout_s, limit=CLOCK.limit)
    if told.failure is not None:
        raise told.failure
    local = (await apart(phone_clock, told.stdout)).facts.get("local")
    if local is None:
        raise NotRun(_NO_CLOCK)
    return int(str(local)[14:16])


async def _is_there(bench: Bench, shell: Shell, timeout_s: float) -> bool:
    """Whether somebody reads the phone's clock right; asked twice, for a slip of the finger is no absence."""
    for again in range(2):
        prompt_id = "phone-minute" if not again else "phone-minute-again"
        said = await bench.person.ask(Prompt(prompt_id, PromptKind.TEXT, _MINUTE, _MINUTE_STEPS, (), timeout_s))
        number = re.fullmatch(r"\s{0,4}([0-9]{1,2})\s{0,4}", said.value, re.ASCII)
        away = (int(number[1]) - await _minute(shell)) % 60 if number else 30
        if min(away, 60 - away) <= _TOLERANCE_MIN:
            return True
    return False


@probe(
    "android.complaint-gone",
    needs=Shell,
    measures={"came_back": "1", "tries": "1", "what_came": LIST, "person_there": FLAG, "symptoms_tried": LIST},
    names={
        "came_back": Words("came back", "再现次数"),
        "tries": Words("tries", "尝试次数"),
        "what_came": Words("what came back", "再现情况"),
        "person_there": Words("phone in hand", "持机确认"),
        "symptoms_tried": Words("complaints tried again", "复核的故障现象"),
    },
    asks=True,
)
async def complaint_gone(
    bench: Bench, *, symptom: str = "", tries: int = 3, timeout_s: float = 900.0
) -> AsyncIterator[Reading]:
    """What brought the complaint on, done again `tries` times; how often the fault came back.

    Settings: `symptom`, the coded one whose steps are shown in place of the ticket's; `tries`, how often, at least 1;
    `timeout_s`, seconds for each.
    """
    shell = bench.capability(Shell)  # type: ignore[type-abstract]  # a protocol names the capability
    tries = max(1, tries)
    symptoms = (symptom,) if symptom else tuple(bench.ticket.get("symptoms", "").split())
    steps = steps_of(bench.ticket.get("complaint", ""), symptoms)
    proof = random.SystemRandom().randint(1, tries)
    gone, back = 0, []
    choices = (Choice("gone", _GONE, "+"), Choice("back", _BACK, "-"), Choice("not-tried", _COULD_NOT, "0"))
    for number in range(1, tries + 1):
        title = _TITLE.fill(number=str(number), tries=str(tries))
        prompt = Prompt(f"try-{number}", PromptKind.CHOICE, title, steps, choices, timeout_s)
        said = await bench.person.ask(prompt)
        gone += said.value == "gone"
        if said.value == "back":
            back.append(f"{number}: {said.note}" if said.note else str(number))
        if number == proof and not await _is_there(bench, shell, timeout_s):
            raise NotRun(_NOBODY)
    if symptoms:
        yield Measurement("symptoms_tried", as_value(symptoms), "setting" if symptom else "ticket")
    yield Measurement("tries", Decimal(gone + len(back)), "person")
    yield Measurement("person_there", True, "the phone's clock")
    if back or gone == tries:
        yield Measurement("came_back", Decimal(len(back)), "person")
    else:
        yield Unread("came_back", _NOT_TRIED, "person")
    if back:
        yield Measurement("what_came", as_value(back), "person")
