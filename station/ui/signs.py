"""The signs, words and colours of every state, in one place, so that no screen invents its own.

Stands on the vocabulary and on the message models' names. Knows no Textual: colours are plain hex strings that
`station.ui.paint` turns into styles. A state is always sign + word + colour, never colour alone; the colours are after
Okabe and Ito (2008), which people with any common colour blindness can tell apart.
"""

from __future__ import annotations

from typing import NamedTuple

from drivers.text import Words

__all__ = [
    "ASCII",
    "BACKGROUND",
    "COLOURS",
    "OUTBOX_STATES",
    "ROW_STATES",
    "SIDES",
    "STATUSES",
    "TICKET_STATES",
    "UNKNOWN",
    "VERDICTS",
    "Look",
]


class Look(NamedTuple):
    """How a state looks and sounds. `colour` is one of `COLOURS`; `bells`: how often the bell rings on entering."""

    sign: str
    words: Words
    colour: str
    bells: int = 0


#: What everything stands on, whatever the terminal's own background is.
BACKGROUND = "#101418"

#: Text and background of each named look: (foreground, background or "", attributes).
COLOURS: dict[str, tuple[str, str, str]] = {
    "text": ("#d5dbe3", "", ""),
    "strong": ("#ffffff", "", "bold"),
    "dim": ("#8593a3", "", ""),
    "frame": ("#55606b", "", ""),
    "empty": ("#55606b", "", ""),
    "run": ("#56b4e9", "", ""),
    "turn": ("#f0e442", "", "bold"),
    "pass": ("#2fbf8f", "", ""),
    "warn": ("#f0e442", "", ""),
    "fail": ("#ff8a3d", "", ""),
    "none": ("#8593a3", "", "italic"),
    "lost": ("#cc79a7", "", ""),
    "key": ("#ffffff", "", "bold"),
    "simulated": ("#101418", "#f0e442", "bold"),
    "alarm": ("#101418", "#cc79a7", "bold"),
    "chosen": ("#ffffff", "#26405a", "bold"),
}

_PASS = Look("✔", Words("PASS", "合格"), "pass", 1)
_WARN = Look("!", Words("warn", "预警"), "warn", 1)
_FAIL = Look("✘", Words("FAIL", "不合格"), "fail", 2)
_NOT_RUN = Look("–", Words("not run", "未检"), "none")

#: By `CardStatus`.
STATUSES: dict[str, Look] = {
    "empty": Look(" ", Words("empty", "空位"), "empty"),
    "identifying": Look("~", Words("identifying", "识别中"), "dim"),
    "ready": Look("·", Words("ready", "就绪"), "text"),
    "running": Look("▸", Words("running", "检测中"), "run"),
    "your-turn": Look("»", Words("your turn", "请操作"), "turn", 1),
    "pass": _PASS,
    "warn": _WARN,
    "fail": _FAIL,
    "not-run": _NOT_RUN,
    "lost": Look("?", Words("lost", "掉线"), "lost", 3),
    "blocked": Look("»", Words("your turn", "请操作"), "turn", 1),
}

#: By verdict word.
VERDICTS: dict[str, Look] = {
    "pass": _PASS,
    "warn": _WARN,
    "fail": _FAIL,
    "info": Look("i", Words("info", "参考"), "text"),
    "none": _NOT_RUN,
}

#: By state of a checklist line that has no verdict yet.
ROW_STATES: dict[str, Look] = {
    "waiting": Look("·", Words("waiting", "待检"), "dim"),
    "running": Look("▸", Words("running", "检测中"), "run"),
    "your-turn": Look("»", Words("your turn", "请操作"), "turn"),
}

#: What an unknown word shows as: never as something good.
UNKNOWN = Look("?", Words("unknown", "未知"), "lost")

SIDES: dict[str, Words] = {
    "phone": Words("phone", "手机"),
    "cable": Words("cable", "数据线"),
    "bench": Words("bench", "工位"),
    "person": Words("person", "操作"),
    "head-office": Words("head office", "总部"),
}

#: By the ticket's state, which is the English word itself.
TICKET_STATES: dict[str, Words] = {
    "appointed": Words("appointed", "已预约"),
    "registered": Words("registered", "已受理"),
    "received": Words("received", "已接件"),
    "diagnosing": Words("diagnosing", "检测中"),
    "waiting for the customer": Words("waiting for the customer", "待确认"),
    "waiting for parts": Words("waiting for parts", "待件"),
    "in repair": Words("in repair", "维修中"),
    "self-check due": Words("self-check due", "待自检"),
    "cross-check due": Words("cross-check due", "待互检"),
    "at the factory": Words("at the factory", "返厂中"),
    "ready": Words("ready", "可取机"),
    "delivered": Words("delivered", "已取机"),
    "returned unrepaired": Words("returned unrepaired", "拒修退回"),
    "exchanged / returned": Words("exchanged / returned", "换机 / 退机"),
    "grievance open": Words("grievance open", "投诉处理中"),
    "closed": Words("closed", "已关闭"),
    "unreadable": Words("unreadable", "无法读取"),
}

OUTBOX_STATES: dict[str, Look] = {
    "waiting": Look("·", Words("waiting", "待上传"), "text"),
    "rejected": Look("!", Words("rejected", "被拒"), "fail"),
    "quarantined": Look("!", Words("quarantined", "已隔离"), "fail"),
}

#: For old consoles: what stands for a sign or a frame where the font has none.
ASCII = str.maketrans(
    {
        "▸": ">",
        "»": "*",
        "✔": "P",
        "✘": "F",
        "–": "-",
        "·": ".",
        "●": "o",
        "…": "~",
        "→": ">",
        "←": "<",
        "─": "-",
        "═": "=",
        "│": "|",
        "┌": "+",
        "┐": "+",
        "└": "+",
        "┘": "+",
        "╔": "+",
        "╗": "+",
        "╚": "+",
        "╝": "+",
        "║": "|",
        "█": "#",
        "░": ".",
        "▀": '"',
        "▄": "_",
    }
)
