"""The words of records as a person reads them: who may sign as what, what a signature means, what a record is.

Stands on `Words` alone. The keys are the words that stand in the records themselves.
"""

from __future__ import annotations

from drivers.text import Words

__all__ = [
    "DECISIONS",
    "DEEDS",
    "ENDINGS",
    "KEY_ENDS",
    "MEANINGS",
    "RECORD_KINDS",
    "ROLES",
    "STAGES",
    "kind_words",
    "named",
]

ENDINGS: dict[str, Words] = {
    "completed": Words("completed", "已完成"),
    "not-applicable": Words("not applicable", "不适用"),
    "skipped": Words("skipped", "已跳过"),
    "errored": Words("bench error", "工位出错"),
    "timed-out": Words("timed out", "超时"),
    "aborted": Words("stopped", "已中止"),
    "interrupted": Words("interrupted", "已中断"),
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
    "head-office": Words("head office", "总部"),
    "auditor": Words("auditor", "审核员"),
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

#: How a key ended.
KEY_ENDS: dict[str, Words] = {
    "rotated": Words("replaced", "已更换"),
    "retired": Words("retired", "已停用"),
    "revoked": Words("revoked", "已吊销"),
    "compromised": Words("compromised", "已泄露"),
}

#: What a release decides.
DECISIONS: dict[str, Words] = {
    "released": Words("released", "放行"),
    "released-with-waiver": Words("released with waiver", "让步放行"),
    "refused": Words("refused", "不予放行"),
    "registered": Words("registered", "已受理"),
    "appointed": Words("appointed", "已预约"),
    "confirmed": Words("confirmed", "已确认"),
    "differs": Words("differs", "有异议"),
}

RECORD_KINDS: dict[str, Words] = {
    "registration": Words("registration", "受理登记"),
    "intake": Words("intake", "接件检查"),
    "appearance": Words("appearance record", "外观记录"),
    "confirmation": Words("customer's confirmation", "客户确认"),
    "authority": Words("authority to act", "代办授权"),
    "warranty": Words("warranty decision", "三包判定"),
    "diagnosis": Words("diagnosis", "诊断"),
    "run": Words("run", "检测"),
    "signoff": Words("sign-off", "签字确认"),
    "release": Words("release", "放行"),
    "waiver": Words("waiver", "让步放行 / 特批免检"),
    "repair": Words("repair", "维修"),
    "part-use": Words("part use", "配件使用"),
    "plan": Words("repair plan", "维修方案"),
    "consent": Words("consent", "客户同意"),
    "consent-code": Words("one-time code for a consent", "确认验证码"),
    "amend": Words("amendment", "更正"),
    "parts-order": Words("parts order", "备件订单"),
    "send-out": Words("sent to the factory", "返厂"),
    "send-back": Words("back from the factory", "返厂收回"),
    "exchange": Words("exchange or refund", "换机 / 退机"),
    "replacement": Words("accessory replaced or refunded", "附件更换 / 退货"),
    "delivery": Words("delivery", "交付（取机）"),
    "erasure": Words("erasure", "数据清除"),
    "notice": Words("notice to the customer", "客户通知"),
    "follow-up": Words("follow-up", "回访"),
    "grievance": Words("grievance", "投诉"),
    "clock": Words("service clock", "服务时限"),
    "close": Words("closing", "关闭"),
    "bundle": Words("taken in from another station", "从其他工位转入"),
    "fork": Words("fork decided", "分叉裁定"),
    "qualification": Words("qualification", "检测资格"),
    "key-event": Words("key event", "密钥变更"),
    "head": Words("ledger head", "台账校验点"),
    "receipt": Words("receipt", "回执"),
}


def named(table: dict[str, Words], key: str) -> Words:
    """The words of `key`, or the key itself where the table does not know it."""
    return table.get(key) or Words(key, key)


def kind_words(kind: str) -> Words:
    """The words of a record's kind, as `run/v1` or with its whole predicate type."""
    name = kind.rpartition(":")[2].split("/")[0]
    return named(RECORD_KINDS, name)
