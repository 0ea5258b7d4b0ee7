"""What exports leave out, said in one place and in both languages."""

from __future__ import annotations

from collections.abc import Iterable

from drivers.text import Words

__all__ = ["ATTEMPTS", "EVIDENCE", "LIMITS", "OTHER_RECORDS", "OTHER_RUNS", "PROMPTS", "SIGNATURES", "as_lists"]

SIGNATURES = Words(
    "the signatures, links and receipts: this document proves nothing, the ticket's bundle does",
    "未含签名、链接与回执：本文件不具证明力，以工单包为准",
)
EVIDENCE = Words(
    "raw evidence and the customer's data: records hold only commitments to them",
    "未含原始数据与客户资料：记录中只有其承诺值",
)
OTHER_RECORDS = Words("every record that is not a run", "未含检测以外的记录")
OTHER_RUNS = Words("the ticket's other runs", "未含该工单的其他检测")
ATTEMPTS = Words("all but the last attempt of each check", "每个检测项只含最后一次")
PROMPTS = Words("what persons were asked and answered", "未含人工提问与回答")
LIMITS = Words("the limits and their sources", "未含判定标准及其来源")


def as_lists(left: Iterable[Words]) -> list[list[str]]:
    """For documents: each in English and Chinese."""
    return [list(one) for one in left]
