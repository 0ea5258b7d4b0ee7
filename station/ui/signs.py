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
    "DECISIONS",
    "DEEDS",
    "ENDINGS",
    "MEANINGS",
    "OUTBOX_STATES",
    "RECORD_KINDS",
    "ROLES",
    "ROW_STATES",
    "SIDES",
    "STAGES",
    "STATUSES",
    "TICKET_STATES",
    "UNKNOWN",
    "VERDICTS",
    "Look",
    "named",
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

ENDINGS: dict[str, Words] = {
    "completed": Words("completed", "已完成"),
    "not-applicable": Words("not applicable", "不适用"),
    "skipped": Words("skipped", "已跳过"),
    "errored": Words("bench error", "工位出错"),
    "timed-out": Words("timed out", "超时"),
    "aborted": Words("stopped", "已中止"),
    "interrupted": Words("interrupted", "已中断"),
}

SIDES: dict[str, Words] = {
    "phone": Words("phone", "手机"),
    "cable": Words("cable", "数据线"),
    "bench": Words("bench", "工位"),
    "person": Words("person", "操作"),
    "head-office": Words("head office", "总部"),
}

STAGES: dict[str, Words] = {
    "intake": Words("intake", "接件检查"),
    "diagnosis": Words("diagnosis", "诊断"),
    "self-check": Words("self-check", "自检"),
    "cross-check": Words("cross-check", "互检"),
    "delivery": Words("delivery", "交付"),
}

ROLES: dict[str, Words] = {
    "technician": Words("technician", "维修工程师"),
    "inspector": Words("inspector", "互检人"),
    "receptionist": Words("receptionist", "受理员"),
    "parts-keeper": Words("parts keeper", "备件员"),
    "lead": Words("lead", "店长"),
}

#: What a signature says of the record it is put under.
MEANINGS: dict[str, Words] = {
    "performed": Words("performed: I did this, and it is as recorded", "执行：由我完成，记录属实"),
    "verified": Words("verified: I checked it again myself", "核验：我已亲自复检"),
    "approved": Words("approved: the phone may be handed back", "批准：可以放行交付"),
    "waived": Words("waived: goes on in spite of it", "让步：在此情况下继续"),
    "amended": Words("amended: corrects an earlier record", "更正：更正先前记录"),
}

#: The same in one word, for lists.
DEEDS: dict[str, Words] = {
    "performed": Words("performed", "执行"),
    "verified": Words("verified", "核验"),
    "approved": Words("approved", "批准"),
    "waived": Words("waived", "让步"),
    "amended": Words("amended", "更正"),
}

#: What a release decides.
DECISIONS: dict[str, Words] = {
    "released": Words("released", "放行"),
    "released-with-waiver": Words("released with waiver", "让步放行"),
    "refused": Words("refused", "不予放行"),
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
}

RECORD_KINDS: dict[str, Words] = {
    "intake": Words("intake", "接件检查"),
    "run": Words("run", "检测"),
    "signoff": Words("sign-off", "签字确认"),
    "release": Words("release", "放行"),
    "waiver": Words("waiver", "让步放行 / 特批免检"),
    "repair": Words("repair", "维修"),
    "part-use": Words("part use", "配件使用"),
    "plan": Words("repair plan", "维修方案"),
    "consent": Words("consent", "客户同意"),
    "amend": Words("amendment", "更正"),
    "key-event": Words("key event", "密钥变更"),
    "head": Words("ledger head", "台账校验点"),
    "receipt": Words("receipt", "回执"),
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


def named(table: dict[str, Words], key: str) -> Words:
    """The words of `key`, or the key itself where the table does not know it."""
    return table.get(key) or Words(key, key)
