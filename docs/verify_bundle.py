"""Checks a ticket bundle without any code of Assay (see verify.md): python3 -I verify_bundle.py FILE [KEY-IN-HEX]"""

import base64
import json
import sys
from collections import namedtuple
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TYPE, LARGEST, P = "application/vnd.in-toto+json", 64 * 1024 * 1024, 2**255 - 19
ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
EVENTS, RANK = ("key-event/v1", "qualification/v1"), {"rotate": 1, "retire": 1, "revoke": 2, "compromise": 3}
Record = namedtuple("Record", "digest kind made signed signatures")


class NotSigned(ValueError):
    """Everything that is wrong with who signed, as opposed to the form."""


def need(holds, why, error=ValueError):
    if not holds:
        raise error(why)


# --- one form of bytes


def load(data):  # one form only: sorted keys, no white space, no floats; a key twice does not survive the comparison
    value = json.loads(data, parse_float=lambda text: need(False, "not an integer"))
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    need(text.encode() == data, "not canonical JSON")
    return value


def decode(text):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, "not canonical base64")
    return data


def opened(blob):  # a stored envelope; its signatures are not checked yet
    envelope = load(blob)
    need(set(envelope) == {"payload", "payloadType", "signatures"} and envelope["payloadType"] == TYPE, "no envelope")
    payload, rows = decode(envelope["payload"]), envelope["signatures"]
    ids = [row["keyid"] for row in rows if set(row) == {"keyid", "sig"}]
    need(ids and len(ids) == len(rows) and ids == sorted(set(ids)), "key ids missing, twice or unsorted")
    statement = load(payload)
    signed = b"DSSEv1 %d %b %d %b" % (len(TYPE), TYPE.encode(), len(payload), payload)
    kind = statement["predicateType"].removeprefix("urn:assay:")
    signatures = [(row["keyid"], row["sig"]) for row in rows]
    return Record(sha256(blob).hexdigest(), kind, statement["predicate"], signed, signatures)


def good(public, record, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(decode(signature), record.signed)
    except Exception:
        raise NotSigned("a signature does not fit the content") from None


# --- who may sign


class Key:
    def __init__(self, made):
        key, self.holder, self.kind, self.end = made["key"], made["holder"], made["kind"], None
        self.public, self.level = bytes.fromhex(key["public"]), key["level"]
        self.id, y = sha256(self.public).hexdigest(), int.from_bytes(self.public, "little") & (2**255 - 1)
        need(len(self.public) == 32 and self.id == key["id"] and y < P, "no key", NotSigned)
        need(y not in (0, 1, P - 1, ORDER_8, P - ORDER_8), "a key of small order", NotSigned)

    def alive(self, signed_ms, received_ms):  # after a revocation only head office's time shows what is older
        shown = signed_ms if self.end and RANK[self.end[0]] == 1 else received_ms
        need(not self.end or (shown is not None and shown < self.end[1]), "by a key that had ended", NotSigned)


class Roster:  # the people and keys of one station, from its key events in their order
    def __init__(self):
        self.home, self.genesis, self.keys, self.people, self.whole = None, None, {}, {}, True

    def current(self, holder):
        return next((key for key in self.keys.values() if key.holder == holder and not key.end), None)

    def may(self, person, role, at_ms):
        grants = self.people.get(person, (None, ()))[1]
        return any(was == role and start <= at_ms and (end is None or at_ms < end) for was, start, end in grants)

    def lead(self, made):
        key = self.current(made["approved_by"])
        return key.id if key and self.may(key.holder, "lead", made["clock"]["wall_ms"]) else None

    def signers(self, record, new=None):
        found = [new if new and name == new.id else self.keys.get(name) for name, _ in record.signatures]
        for key, (name, signature) in zip(found, record.signatures, strict=True):
            need(key, f"by an unknown key {name[:16]}", NotSigned)
            good(key.public, record, signature)
        return found

    def at_home(self, made):
        home = (made["shop"], made["station"], made["simulated"])
        need(self.home == home, "of another station", NotSigned)
        return home

    def apply(self, record):  # a key event or a qualification, or the reason why it may not be
        made, first = record.made, self.home is None
        home = home_of(made) if first else self.at_home(made)
        holder = made.get("holder", made.get("person"))
        event = made["event"] if record.kind == "key-event/v1" else "qualify"
        station, lead, now = self.current(home[1]), self.lead(made), made["clock"]["wall_ms"]
        of_station, name = made.get("kind") == "station", (made["printed_name"], [])
        new = Key(made) if event in ("enrol", "rotate") else None
        need(not new or new.id not in self.keys, "a key that belongs to somebody already", NotSigned)
        old = (
            None if event == "qualify" else self.keys.get(made["replaces"] if event == "rotate" else made["key"]["id"])
        )
        own = station.id if station else ""
        if first or of_station:
            need(of_station and holder == made["approved_by"] == home[1] and not made["roles"], "no station", NotSigned)
            need(event == ("enrol" if first else "rotate") and (first or old), "a station is enrolled once", NotSigned)
            ways = [[new.id] if first else [old.id, new.id]]
        elif event == "enrol":
            need(holder not in self.people and holder != home[1] and made["roles"], "enrolled already", NotSigned)
            self_made = made["approved_by"] == home[1] and any(one["role"] == "lead" for one in made["roles"])
            leads = [who for who, (_, roles) in self.people.items() if any(one[0] == "lead" for one in roles)]
            ways = [[own, new.id, lead]] if lead else []
            ways = [[own, new.id]] if self_made and not any(map(self.current, leads)) else ways
        else:
            need(self.people.get(holder, name)[0] == name[0] and holder in self.people, "of nobody here", NotSigned)
            need(event == "qualify" or (old and (old.holder, old.kind) == (holder, "person")), "no such key", NotSigned)
            ways = [[own, lead]] if lead else []
        if event == "rotate" and not first and not of_station:
            need(self.current(holder) in (None, old) and not made["roles"], "has another key", NotSigned)
            ways = [[own, new.id, lead]] if lead and made["approved_by"] != holder else []
            ways = [[own, new.id, old.id]] if made["approved_by"] == holder and not old.end else ways
        if event in ("retire", "revoke", "compromise"):
            need(not old.end or RANK[event] > RANK[old.end[0]], "ended before", NotSigned)
            ways += [[own, old.id]] if made["approved_by"] == holder and not old.end else []
        signers = self.signers(record, new)
        need([key.id for key in signers] in [sorted(way) for way in ways], "not by those who must sign", NotSigned)
        for key in signers:
            key is new or key.alive(now, None)
        if event == "qualify":
            need(now <= made["from_ms"] <= made["to_ms"], "qualified for the past", NotSigned)
        elif event == "roles":
            starts = [made["at_ms"], *(one["from_ms"] for one in made["roles"])]
            need(now <= starts[0] == min(starts) and not old.end, "roles for the past", NotSigned)
            kept = [(role, start, min(end or starts[0], starts[0])) for role, start, end in self.people[holder][1]]
            self.people[holder] = (name[0], [one for one in kept if one[1] < starts[0]])
        elif event != "enrol" and not (event == "rotate" and old.end):
            at = min(made["at_ms"], old.end[1]) if old.end and event == "compromise" else made["at_ms"]
            old.end = (event, at)
        if not of_station and event in ("enrol", "roles"):
            grants = [(one["role"], one["from_ms"], one["to_ms"]) for one in made["roles"]]
            self.people[holder] = (name[0], [*self.people.get(holder, name)[1], *grants])
        if new:
            self.keys[new.id] = new
        self.home, self.genesis = home, self.genesis or record.digest
        return len(signers)

    def check(self, record, received_ms, others=()):  # any other record; `others`: the shop's other stations
        made, kind = record.made, record.kind
        need(kind not in (*EVENTS, "receipt/v1"), "does not belong here", NotSigned)
        self.at_home(made)
        signers, person = self.signers(record), made.get("person") if "signed_ms" in made else None
        must = sorted([self.home[1], *([person] if person else [])])
        need(sorted(key.holder for key in signers) == must, "not by those who must sign", NotSigned)
        for key in signers:
            signed_ms = made["signed_ms"] if person and key.kind == "person" else made["clock"]["wall_ms"]
            elsewhere = [roster.keys[key.id] for roster in others if key.id in roster.keys]
            for known in (key, *(one for one in elsewhere if one.end and RANK[one.end[0]] > 1)):
                known.alive(signed_ms, received_ms)
            if person and key.kind == "person":
                said = (made["printed_name"], made["key_level"])
                need(said == (self.people[person][0], key.level), "another name or level than enrolled", NotSigned)
                may = made["role"] != "auditor" and self.may(person, made["role"], signed_ms)
                need(may, "by somebody without that role then", NotSigned)
        return len(signers)


# --- what was found


class Found:
    def __init__(self, root):
        self.root, self.records, self.signatures, self.problems, self.times = root, 0, 0, {}, {}

    def problem(self, what, record, seq, why):
        self.problems.setdefault(what, {"record": record, "seq": seq, "what": what, "why": str(why)})

    def trying(self, what, record, seq, work):  # what is wrong is kept, the first of each kind
        try:
            return work()
        except NotSigned as error:
            self.problem("signature" if what == "envelope" else what, record, seq, error)
        except Exception as error:
            self.problem(what, record, seq, error or type(error).__name__)

    def receipt(self, blob):
        record = opened(blob)
        need(record.kind == "receipt/v1", "is not a receipt")
        if self.root:
            need([name for name, _ in record.signatures] == [sha256(self.root).hexdigest()], "not by head office")
            good(self.root, record, record.signatures[0][1])
            self.signatures += 1
        for row in record.made["acknowledged"]:
            self.times.setdefault(row["digest"], record.made["received_ms"])
        return record.made

    def answer(self, geneses):
        proven = self.root is not None and None not in geneses and all(each in self.times for each in geneses)
        counts = {"records": self.records, "signatures": self.signatures}
        ok, origin = not self.problems and self.records > 0, "proven" if proven else "unproven"
        return {"ok": ok, **counts, "problems": [*self.problems.values()], "origin": origin}


# --- a ticket bundle


def blobs(texts):
    need(all(type(text) is str for text in texts), "is not a ticket bundle")
    return [text.encode() for text in texts]


def verify_bundle(data, root):
    found = Found(root)
    made = found.trying("bundle", "", None, lambda: bundle(data))
    if not made:
        return found.answer([None])
    own = roster_of(found, blobs(made["roster"]))
    if not own.home or own.home[:2] != (made["shop"], made["station"]):
        found.problem("bundle", "", None, "names another station than its records")
    rosters = {own.home[1] if own.home else "": own}
    for row in made.get("peers") or ():
        peer = roster_of(found, blobs(row["roster"]))
        if not peer.whole or not own.home or peer.home != (own.home[0], row["station"], own.home[2]):
            found.problem("roster", peer.genesis or "", None, "is no other station of the shop")
        elif row["station"] in rosters or any(
            own.people.get(who, known)[0] != known[0] for who, known in peer.people.items()
        ):
            found.problem("roster", peer.genesis, None, "contradicts another station of the shop")
        else:
            rosters[row["station"]] = peer
    for blob in blobs(made["receipts"]):
        digest = sha256(blob).hexdigest()
        said = found.trying("receipt", digest, None, lambda blob=blob: found.receipt(blob))
        if said and (said["station"] not in rosters or rosters[said["station"]].home != home_of(said)):
            found.problem("receipt", digest, None, "is for another station")
    newest = {}
    for row in made["records"]:
        blob, seq = row["envelope"].encode(), row["seq"]
        found.records += 1
        digest = sha256(blob).hexdigest()

        def one(blob=blob, seq=seq, digest=digest):
            record = opened(blob)
            station = record.made["station"]
            if seq <= newest.get(station, 0):
                found.problem("bundle", digest, seq, "is out of order")
            newest[station] = seq
            need(record.made.get("ticket") == made["ticket"], "belongs to another ticket")
            of = rosters.get(station, own)
            found.signatures += of.check(record, found.times.get(digest), rosters.values())

        found.trying("envelope", digest, seq, one)
    return found.answer([roster.genesis for roster in rosters.values()])


def bundle(data):
    need(len(data) <= LARGEST, "is too large")
    made, v1 = load(data), {"format", "shop", "station", "ticket", "records", "roster", "receipts"}
    need(type(made) is dict, "is not a ticket bundle")
    second = made.get("format") == "assay-bundle/v2"
    need(made.get("format") in ("assay-bundle/v1", "assay-bundle/v2"), "is not a ticket bundle")
    need(set(made) == (v1 | {"peers", "handover"} if second else v1), "is not a ticket bundle")
    peers, sealed = made.get("peers", []), made.get("handover")
    lists = [made["records"], made["roster"], made["receipts"], peers, *(row["roster"] for row in peers)]
    need(all(type(each) is list for each in lists), "is not a ticket bundle")
    need(all(set(row) == {"seq", "envelope"} and type(row["seq"]) is int for row in made["records"]), "no record")
    need(all(type(row["envelope"]) is str for row in made["records"]), "no record")
    need(all(set(row) == {"station", "roster"} and type(row["station"]) is str for row in peers), "no station")
    need(sealed is None or set(sealed) == {"nonce", "sealed"}, "no handover")
    need(sealed is None or all(type(each) is str for each in sealed.values()), "no handover")
    need(all(type(made[name]) is str for name in ("shop", "station", "ticket")), "is not a ticket bundle")
    for texts in (made["roster"], made["receipts"], *(row["roster"] for row in peers)):
        blobs(texts)
    return made


def home_of(made):
    return (made["shop"], made["station"], made["simulated"])


def roster_of(found, events):
    roster = Roster()
    for blob in events:
        found.records += 1
        good_ones = found.trying("roster", sha256(blob).hexdigest(), None, lambda b=blob: fold(roster, b))
        found.signatures += good_ones or 0
        roster.whole &= good_ones is not None
    return roster


def fold(roster, blob):
    record = opened(blob)
    need(record.kind in EVENTS, "is not a key event", NotSigned)
    return roster.apply(record)


def verify(path, root=""):
    with Path(path).open("rb") as file:
        return verify_bundle(file.read(LARGEST + 1), bytes.fromhex(root) or None)


if __name__ == "__main__":
    print(json.dumps(answer := verify(*sys.argv[1:3]) if sys.argv[1:] else sys.exit(__doc__)))
    sys.exit(0 if answer["ok"] else 1)
