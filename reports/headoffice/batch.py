"""A batch of records on the wire: NDJSON, one line a record, each envelope as a JSON string of exactly its bytes.

Both ends stand on this module, so that what is sent and what is read is one definition. It knows no web framework and
no store.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from drivers.text import Words
from reports.record import RecordError, digest_of

__all__ = ["MAX_BYTES", "MAX_RECORDS", "BatchError", "Sent", "read_batch", "write_line"]

#: The most bytes and records of one batch; head office answers 413 above them.
MAX_BYTES = 1_000_000
MAX_RECORDS = 200

_CHAIN = re.compile(r"[0-9a-f]{64}")


class BatchError(RecordError):
    """A body that is not a batch. `too_large` when halving it would help."""

    def __init__(self, words: Words, *, too_large: bool = False) -> None:
        super().__init__(words)
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of a batch: its place in the station's ledger, the chain value there, its stored bytes."""

    seq: int
    chain: str
    envelope: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the stored bytes."""
        return digest_of(self.envelope)


def write_line(sent: Sent) -> bytes:
    """The line of one record.

    Raises:
        BatchError: its bytes are not UTF-8, so they are no envelope: the record was damaged where it lay.
    """
    try:
        text = sent.envelope.decode()
    except UnicodeDecodeError as error:
        raise BatchError(Words("is not UTF-8", "不是 UTF-8 编码")) from error
    line = {"seq": sent.seq, "chain": sent.chain, "envelope": text}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read_batch(body: bytes) -> list[Sent]:
    """The records of a batch, in the order in which they were sent.

    Raises:
        BatchError: not a batch, or larger than `MAX_BYTES` or `MAX_RECORDS`. What an envelope holds is not looked at.
    """
    lines = body.split(b"\n")
    if len(body) > MAX_BYTES or len(lines) - 1 > MAX_RECORDS:
        raise BatchError(
            Words("a batch has at most {bytes} bytes and {n} records", "每批最多 {bytes} 字节、{n} 条记录").fill(
                bytes=MAX_BYTES, n=MAX_RECORDS
            ),
            too_large=True,
        )
    if lines.pop() != b"" or not lines:
        raise BatchError(Words("the batch is empty or was cut", "该批为空或不完整"))
    return [_read_line(number, line) for number, line in enumerate(lines, 1)]


def _read_line(number: int, line: bytes) -> Sent:
    try:
        match json.loads(line):
            case {"seq": int(seq), "chain": str(chain), "envelope": str(text), **more} if not more:
                if 0 < seq < 2**53 and not isinstance(seq, bool) and _CHAIN.fullmatch(chain):
                    return Sent(seq, chain, text.encode())
    except (ValueError, RecursionError):
        pass
    raise BatchError(Words("line {n} of the batch is not a record", "该批第 {n} 行不是记录").fill(n=number))
