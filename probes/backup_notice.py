"""What the customer was told and agreed to before anybody touches data: backup, tests, reset, repair mode.

A person says it; the phone only tells whether its maker offers a repair mode. A passcode is never asked for and never
kept. The question about changes on the phone is the run's own, so that nobody is asked it twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from drivers.api import Shell
from drivers.text import Words
from probes import getprop
from probes.answers import hear_apart
from probes.api import Answer, Bench, Choice, Measurement, Prompt, PromptKind, Reading, probe
from probes.units import FLAG, TEXT

__all__ = ["REPAIR_MODES", "backup_notice", "repair_mode"]

#: The prompt id of a run's consent to changes; a yes to it here holds for the whole run.
CONSENT, AGREED = "consent-to-write", "agree"

#: Where makers put a mode in which a repairer sees no data: from which Android on, and its name in the phone's menus
#: (makers' support pages on Repair mode, Maintenance mode and Privacy for repair).
REPAIR_MODES: Mapping[str, tuple[int, Words]] = {
    "google": (34, Words("Repair mode (System)", "维修模式（系统）")),
    "samsung": (33, Words("Maintenance mode (Device care)", "维修模式（常规维护或智能管理器）")),
    "xiaomi": (31, Words("Maintenance mode (About phone)", "维修模式（我的设备）")),
    "huawei": (29, Words("Maintenance mode (System)", "维修模式（系统和更新）")),
    "honor": (31, Words("Maintenance mode (System)", "维修模式（系统和更新）")),
    "oppo": (31, Words("Repair mode (About phone)", "维修模式（关于本机）")),
    "vivo": (31, Words("Repair mode (System)", "维修模式（系统管理）")),
}

_NOTICE = Words("Does the customer know what may happen to the data?", "客户是否了解数据可能受到的影响？")
_NOTICE_STEPS = (
    Words("A repair can erase the phone: offer a backup now", "维修可能导致数据丢失：请先提供备份"),
    Words(
        "Never ask for the passcode and never write it down: let the customer unlock the phone",
        "不询问、不记录锁屏密码：请客户自行解锁",
    ),
)
_BACKED_UP = Words("told; there is a backup", "已告知，已有备份")
_WITHOUT = Words("told; goes on without a backup", "已告知，不备份并继续")
_NOT_TOLD = Words("not told yet", "尚未告知")
_MAY = Words("May checks change settings for a moment and put them back?", "检测可否临时改动设置并随后恢复？")
_YES = Words("yes, the customer agrees", "可以，客户已同意")
_NO = Words("no: only look", "不可以，仅查看")
_RESET = Words("May the phone be reset if it is needed?", "如有需要，可否恢复出厂设置？")
_RESET_NO = Words("no, ask first", "不可以，须先询问")
_RESET_YES = Words("yes, all data may go", "可以，数据可清除")
_MODE = Words("This phone has a repair mode: {mode}. Is it on?", "此手机有维修模式：{mode}。是否已开启？")
_MODE_ON = Words("yes, it is on", "已开启")
_MODE_OFFERED = Words("offered; the customer does not want it", "已提供，客户不使用")
_MODE_NOT = Words("not offered", "未提供")


def repair_mode(maker: str, sdk: int) -> Words | None:
    """The repair mode of phones of that maker from that Android on, None where none is known."""
    since, name = REPAIR_MODES.get(maker.strip().lower(), (0, None))
    return name if name is not None and sdk >= since else None


@probe(
    "person.backup-notice",
    needs=Shell,
    reads=(getprop.READ,),
    measures={"data_notice": TEXT, "test_consent": FLAG, "reset_consent": TEXT, "repair_mode": TEXT},
    names={
        "data_notice": Words("told about the data", "数据告知"),
        "test_consent": Words("changes that are undone agreed to", "同意临时改动"),
        "reset_consent": Words("reset agreed to", "恢复出厂设置约定"),
        "repair_mode": Words("repair mode", "维修模式"),
    },
    asks=True,
    unverified=True,
)
async def backup_notice(bench: Bench, *, timeout_s: float = 300.0) -> AsyncIterator[Reading]:
    """What the customer was told about data, and agreed to: changes that are undone, a reset; the phone's repair mode.

    Settings: `timeout_s` seconds until each question ends unanswered.
    """
    said = await hear_apart(bench, getprop.READ, getprop.getprop)
    told = {"backed-up": _BACKED_UP, "without": _WITHOUT, "not-told": _NOT_TOLD}
    answer = await _ask(bench, "data-notice", _NOTICE, told, timeout_s, _NOTICE_STEPS)
    yield Measurement("data_notice", answer.value, f"person {answer.person}")
    answer = await _ask(bench, CONSENT, _MAY, {AGREED: _YES, "refuse": _NO}, timeout_s)
    yield Measurement("test_consent", answer.value == AGREED, f"person {answer.person}")
    answer = await _ask(bench, "reset-consent", _RESET, {"no": _RESET_NO, "yes": _RESET_YES}, timeout_s)
    yield Measurement("reset_consent", answer.value, f"person {answer.person}")
    mode = repair_mode(str(said.get("manufacturer") or ""), int(said.get("sdk") or 0))
    if mode is not None:
        offered = {"on": _MODE_ON, "declined": _MODE_OFFERED, "not-offered": _MODE_NOT}
        answer = await _ask(bench, "repair-mode", _MODE.fill(mode=mode), offered, timeout_s)
        yield Measurement("repair_mode", answer.value, f"person {answer.person}")


async def _ask(
    bench: Bench, name: str, title: Words, labels: Mapping[str, Words], timeout_s: float, steps: tuple[Words, ...] = ()
) -> Answer:
    choices = tuple(Choice(value, label, str(at)) for at, (value, label) in enumerate(labels.items(), 1))
    return await bench.person.ask(Prompt(name, PromptKind.CHOICE, title, steps, choices, timeout_s))
