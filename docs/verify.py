"""Checks a ledger without any code of Assay (see verify.md): python3 -I verify.py assay.db HEAD-OFFICE-KEY-IN-HEX"""

import base64
import json
import sqlite3
import sys
from functools import reduce
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TYPE, OFFICE = "application/vnd.in-toto+json", object()
RECORDS = """SELECT seq, digest, prev, chain, kind, ticket, wall_ms, mono_ms, boot_id, clock, CAST(envelope AS BLOB)
    FROM record ORDER BY seq"""
OTHERS = """SELECT 'head', size, digest, root, CAST(envelope AS BLOB) FROM head UNION ALL SELECT 'receipt',
    id - row_number() OVER (ORDER BY id), digest, received_ms, CAST(envelope AS BLOB) FROM receipt"""


def need(holds, why):
    if not holds:
        raise ValueError(why)


def load(data):  # one form only: sorted keys, no white space, no floats; a key twice does not survive the comparison
    value = json.loads(data, parse_float=lambda text: need(False, "not an integer"))
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    need(text.encode() == data, "not canonical JSON")
    return value


def decode(text):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, "not canonical base64")
    return data


def opened(blob, keys):  # kind, predicate and key ids of a stored envelope, after checking every signature
    envelope = load(blob)
    need(set(envelope) == {"payload", "payloadType", "signatures"} and envelope["payloadType"] == TYPE, "no envelope")
    payload, rows = decode(envelope["payload"]), envelope["signatures"]
    ids = [row["keyid"] for row in rows if set(row) == {"keyid", "sig"}]
    need(ids and len(ids) == len(rows) and ids == sorted(set(ids)), "key ids missing, twice or unsorted")
    statement = load(payload)
    kind, made = statement["predicateType"].removeprefix("urn:assay:"), statement["predicate"]
    if kind == "key-event/v1" and made["key"]["id"] in ids:  # a new key signs its own event
        public = bytes.fromhex(made["key"]["public"])
        keys.setdefault(sha256(public).hexdigest(), (public, made["holder"]))
    for row in rows:
        signed = b"DSSEv1 %d %b %d %b" % (len(TYPE), TYPE.encode(), len(payload), payload)
        Ed25519PublicKey.from_public_bytes(keys[row["keyid"]][0]).verify(decode(row["sig"]), signed)
    who = made.get("approved_by" if kind == "qualification/v1" else "person" if "signed_ms" in made else "")
    must = [OFFICE] if kind == "receipt/v1" else [made["station"], who] if who else [made["station"]]
    need(kind == "key-event/v1" or [keys[key][1] for key in ids] in (must, must[::-1]), "not by those who must sign")
    return kind, made, ids


def verify(path, root):
    db = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    db.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    others = db.execute(OTHERS).fetchall()
    anchors = {None, *(sha256(blob).hexdigest() for what, *_, blob in others if what == "receipt")}
    keys, problems = {sha256(bytes.fromhex(root)).hexdigest(): (bytes.fromhex(root), OFFICE)}, {}
    digests, roots, peaks, signatures, chained = [None], [None], [], 0, ""  # roots, peaks: of the RFC 6962 tree
    for number, (seq, stored, prev, chain, *columns, blob) in enumerate(db.execute(RECORDS), 1):
        digest = sha256(blob).hexdigest()
        chained = sha256(b"\1" + bytes.fromhex(chained + digest)).hexdigest() if chained else digest
        peaks, full = [*peaks, sha256(b"\0" + bytes.fromhex(digest)).digest()], number
        while full % 2 == 0:
            peaks[-2:], full = [sha256(b"\1" + peaks[-2] + peaks[-1]).digest()], full // 2
        roots.append(reduce(lambda right, left: sha256(b"\1" + left + right).digest(), reversed(peaks)).hex())
        digests.append(digest)
        try:
            need((seq, stored, prev, chain) == (number, digest, digests[-2], chained), "is not what was chained here")
            kind, made, ids = opened(blob, keys)
            clock = map(made["clock"].get, ("wall_ms", "mono_ms", "boot_id", "state"))
            need(columns == [kind, made.get("ticket"), *clock], "not linked as it says")
            need(made["anchor"] in anchors, "names a receipt that is missing")
            signatures += len(ids)
        except Exception as error:
            problems.setdefault("record", {"record": digest, "seq": seq, "what": "record", "why": str(error)})
    for what, at, stored, value, blob in others:
        digest = sha256(blob).hexdigest()
        try:
            kind, made, ids = opened(blob, keys)
            head, said = made.get("head", made), (made.get("size", 0), made.get("root", made.get("received_ms")))
            need((kind, stored) == (what + "/v1", digest) and (at, value) == said, "not stored as it says")
            need(head is None or roots[head["size"]] == head["root"], "saw other records")
            need(all(digests[row["seq"]] == row["digest"] for row in made.get("acknowledged", ())), "saw other records")
            need(made.get("anchor") in anchors, "names a receipt that is missing")
            signatures += len(ids)
        except Exception as error:
            problems.setdefault(what, {"record": digest, "seq": None, "what": what, "why": str(error)})
    ok = not problems and len(digests) > 1
    return {"ok": ok, "records": len(digests) - 1, "signatures": signatures, "problems": [*problems.values()]}


if __name__ == "__main__":
    print(json.dumps(answer := verify(*sys.argv[1:3]) if sys.argv[2:] else sys.exit(__doc__)))
    sys.exit(0 if answer["ok"] else 1)
