"""The verifier of ticket bundles that is not ours comes to the answer of ours: on good bundles, on every kind of bad.

Left out of the comparison is what it leaves out by its own word: the rules of release.
"""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from reports.attest import generate_key, key_v1, open_record, public_raw
from reports.predicates import RoleV1
from reports.record import canonical, digest_of
from reports.verify import Bundle, export_bundle, open_bundle, verify_bundle, verify_ledger, write_bundle
from tests.headoffice.several_stations import Two, two_stations
from tests.reports.records_builder import START_MS, HeadOffice, Shop, build_ledger, open_ledger

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "verify_bundle.py"
FLIPS = 200


def other_verifier(script: Path = SCRIPT) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{script.stem}", script)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


THEIRS = other_verifier()


def compared(data: bytes, root: bytes | None = None) -> set[str]:
    """The kinds of problems, after both verifiers have named the same ones at the same places."""
    ours, theirs = verify_bundle(data, root), THEIRS.verify_bundle(data, root)
    mine = {one.what: (one.record, one.seq) for one in ours.problems if one.what != "release"}
    yours = {one["what"]: (one["record"], one["seq"]) for one in theirs["problems"]}
    if "roster" in mine and "roster" in yours:  # of another station's key events ours names the first of all
        yours["roster"] = mine["roster"]
    assert yours == mine, ours.problems
    assert theirs["origin"] == ours.origin
    if not mine:
        assert (theirs["ok"], theirs["records"], theirs["signatures"]) == (True, ours.records, ours.signatures)
    return set(mine)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    return two_stations(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def whole(two: Two) -> bytes:
    """A ticket of two stations, with qualifications, and receipts of head office for both."""
    two.bundle(proven=True)
    bundle = open_bundle(two.bundle())
    receipts = [bytes(row[0]) for row in two.bench.db.execute("SELECT envelope FROM receipt").fetchall()]
    return write_bundle(_with(bundle, receipts=(*bundle.receipts, *receipts)))


def _with(bundle: Bundle, **change: Any) -> Bundle:
    return Bundle(**{name: getattr(bundle, name) for name in bundle.__slots__} | change)


# --- good ------------------------------------------------------------------------------------------------------------


def test_a_ticket_of_one_station_is_good_to_both_with_and_without_the_key_of_head_office(tmp_path: Path) -> None:
    office = HeadOffice()
    build_ledger(tmp_path / "assay.db", office)
    data = export_bundle(open_ledger(tmp_path / "assay.db"), "T-0001")
    assert open_bundle(data).peers == ()
    for root in (office.public, None):
        assert compared(data, root) == set()
    assert compared(data, HeadOffice().public) == {"receipt"}


def test_a_ticket_of_two_stations_with_qualifications_is_good_to_both(two: Two, whole: bytes) -> None:
    bundle = open_bundle(whole)
    kinds = {open_record(data).kind for data in (*bundle.roster, *dict(bundle.peers)["BENCH"])}
    assert kinds == {"key-event/v1", "qualification/v1"}
    assert compared(whole, two.office.public) == set()
    assert verify_bundle(whole, two.office.public).origin == "proven"
    assert compared(whole) == set()


def test_what_only_the_shop_may_read_is_passed_over(two: Two, whole: bytes) -> None:
    sealed = write_bundle(_with(open_bundle(whole), handover={"nonce": "00" * 12, "sealed": "AAAA"}))
    assert compared(sealed, two.office.public) == set()


def test_the_script_runs_alone_in_a_bare_python_and_says_so_with_its_exit_code(
    two: Two, whole: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "t.bundle"
    for data, code in ((whole, 0), (whole.replace(b'"shop":"shop-1"', b'"shop":"shop-2"'), 1)):
        path.write_bytes(data)
        command = [sys.executable, "-I", str(SCRIPT), str(path), two.office.public.hex()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (done.returncode, json.loads(done.stdout)["ok"]) == (code, code == 0), done.stderr
    lines = SCRIPT.read_text().splitlines()
    imports = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imports - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.mark.parametrize("name", ["verify.py", "verify_bundle.py"])
def test_a_script_without_arguments_says_how_it_is_called(name: str) -> None:
    command = [sys.executable, "-I", str(SCRIPT.with_name(name))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"python3 -I {name} " in done.stderr
    assert "Traceback" not in done.stderr


def test_ledgers_with_qualifications_and_bundles_are_good_to_the_verifier_of_ledgers_as_well(
    two: Two, whole: bytes
) -> None:
    theirs = other_verifier(SCRIPT.with_name("verify.py"))
    for place in (two.counter, two.bench):
        path = Path(place.db.conn.execute("PRAGMA database_list").fetchone()[2])
        ours, answer = verify_ledger(path, two.office.public), theirs.verify(path, two.office.public.hex())
        assert (answer["ok"], answer["problems"]) == (ours.ok, []) == (True, [])
        assert answer["records"] == ours.records


# --- bytes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_any_byte_that_is_changed_is_named_alike(two: Two, whole: bytes, seed: int) -> None:
    chance = random.Random(seed)
    kinds: set[str] = set()
    for _ in range(FLIPS // 4):
        data = bytearray(whole)
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        ours = verify_bundle(bytes(data), two.office.public)
        mine = {_named(one.what, one.record) for one in ours.problems if one.what != "release"}
        theirs = THEIRS.verify_bundle(bytes(data), two.office.public)
        yours = {_named(one["what"], one["record"]) for one in theirs["problems"]}
        assert mine, place
        if ("roster", "") in mine & yours:  # what follows for others, when a station's keys are in doubt, is left open
            kinds.add("roster")
            continue
        assert yours == mine
        kinds |= {what for what, _ in mine}
    assert kinds >= {"record", "roster", "receipt"}


def _named(what: str, record: str) -> tuple[str, str]:
    """Whether a statement can't be read after a byte was changed, or its signature does not fit: either is right."""
    if what == "roster":
        return what, ""
    return ("record" if what in ("envelope", "signature") else what), record


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"x"',
        b"[" * 100_000,
        b'{"format":"assay-bundle/v3"}',
        b'{"format":1.5}',
        b"\xff",
        b"{" * 500,
        b'{"a":1,"a":2}',
    ],
)
def test_what_is_no_bundle_is_none_to_both(data: bytes) -> None:
    assert compared(data) == {"bundle"}


# --- the parts -------------------------------------------------------------------------------------------------------


def _json(work: Callable[[dict[str, Any]], object]) -> Callable[[Two, bytes], bytes]:
    def change(two: Two, data: bytes) -> bytes:
        made = json.loads(data)
        work(made)
        return canonical(made)

    return change


def _swap(rows: list[Any], one: int, other: int) -> None:
    rows[one], rows[other] = rows[other], rows[one]


PARTS: dict[str, Callable[[Two, bytes], bytes]] = {
    "another ticket": _json(lambda made: made.update(ticket="T-0002")),
    "another shop": _json(lambda made: made.update(shop="shop-2")),
    "another maker": _json(lambda made: made.update(station="BENCH")),
    "no peers": _json(lambda made: made.update(peers=[])),
    "a peer twice": _json(lambda made: made["peers"].append(made["peers"][0])),
    "a peer by another name": _json(lambda made: made["peers"][0].update(station="QC")),
    "a peer that is the maker": _json(lambda made: made["peers"].append({"station": "COUNTER", "roster": []})),
    "the maker's events as a peer's": _json(lambda made: made["peers"][0].update(roster=made["roster"])),
    "no roster": _json(lambda made: made.update(roster=[])),
    "a roster without its enrolment": _json(lambda made: made["roster"].pop(0)),
    "a roster without its lead": _json(lambda made: made["roster"].pop(1)),
    "a roster in another order": _json(lambda made: _swap(made["roster"], 1, 2)),
    "a key event twice": _json(lambda made: made["roster"].append(made["roster"][2])),
    "a peer's roster without its lead": _json(lambda made: made["peers"][0]["roster"].pop(1)),
    "a peer without its inspector": _json(lambda made: made["peers"][0]["roster"].pop(3)),
    "a key event of another station": _json(lambda made: made["roster"].append(made["peers"][0]["roster"][2])),
    "a run among the key events": _json(lambda made: made["roster"].append(made["records"][0]["envelope"])),
    "records in another order": _json(lambda made: _swap(made["records"], 0, 1)),
    "a record twice": _json(lambda made: made["records"].append(made["records"][0])),
    "a record at another place": _json(lambda made: made["records"][1].update(seq=1)),
    "a key event among the records": _json(lambda made: made["records"].append(_row(made["roster"][0]))),
    "a receipt among the records": _json(lambda made: made["records"].append(_row(made["receipts"][0]))),
    "a record among the receipts": _json(lambda made: made["receipts"].append(made["records"][0]["envelope"])),
    "no receipts": _json(lambda made: made.update(receipts=[])),
    "a wrong kind of records": _json(lambda made: made.update(records={})),
    "a wrong kind of a row": _json(lambda made: made["records"].append({"seq": True, "envelope": "{}"})),
    "no text": _json(lambda made: made["roster"].append(7)),
    "one thing more": _json(lambda made: made.update(more=1)),
    "the first version with peers": _json(lambda made: made.update(format="assay-bundle/v1")),
    "a handover of another form": _json(lambda made: made.update(handover={"nonce": 1, "sealed": ""})),
    "a space": lambda two, data: data + b" ",
    "a key twice": lambda two, data: data.replace(b'{"format"', b'{"format":"x","format"', 1),
    "a receipt of another head office": lambda two, data: _receipt(data, HeadOffice(), two.counter.shop),
    "a receipt for a station that is not here": lambda two, data: _receipt(data, two.office, Shop(station="QC")),
    "a receipt for another world": lambda two, data: _receipt(
        data, two.office, Shop(station="COUNTER", simulated=False)
    ),
}


def _row(envelope: str) -> dict[str, Any]:
    return {"seq": 900, "envelope": envelope}


def _receipt(data: bytes, office: HeadOffice, shop: Shop) -> bytes:
    bundle = open_bundle(data)
    return write_bundle(_with(bundle, receipts=(*bundle.receipts, office.receipt(shop, [], None))))


@pytest.mark.parametrize("what", PARTS)
def test_a_bundle_put_together_otherwise_is_refused_alike(two: Two, whole: bytes, what: str) -> None:
    found = compared(PARTS[what](two, whole), two.office.public)
    assert bool(found) == (what != "no receipts")


@pytest.mark.parametrize("place", range(10))
def test_each_record_that_is_left_out_changes_both_answers_alike(two: Two, whole: bytes, place: int) -> None:
    made = json.loads(whole)
    del made["records"][place]
    compared(canonical(made), two.office.public)


# --- who signs -------------------------------------------------------------------------------------------------------


def _ended(how: str, at: int, by: str = "zhao") -> Callable[[Shop], None]:
    def work(shop: Shop) -> None:
        shop.events.append(
            shop.key_event(how, "li", signers=(shop.station, by), approved_by=by, at_ms=shop.now_ms + at)
        )

    return work


def _rotated(by: str) -> Callable[[Shop], None]:
    def work(shop: Shop) -> None:
        new, old = generate_key(), key_v1(public_raw(shop.keys["li"])).id
        signers = (shop.station, new, by)
        shop.events.append(shop.key_event("rotate", "li", signers=signers, key=new, approved_by=by, replaces=old))

    return work


def _roles(*named: str, from_ms: int = 1000, by: str = "zhao") -> Callable[[Shop], None]:
    def work(shop: Shop) -> None:
        at = shop.now_ms + from_ms
        grants = tuple(RoleV1(role=role, from_ms=at, to_ms=None) for role in named)  # type: ignore[arg-type]
        shop.events.append(
            shop.key_event("roles", "li", signers=(shop.station, by), approved_by=by, roles=grants, at_ms=at)
        )

    return work


def _station_rotated(shop: Shop) -> None:
    new, old = generate_key(), shop.keys[shop.station]
    shop.events.append(
        shop.key_event(
            "rotate", shop.station, signers=(old, new), key=new, kind="station", replaces=key_v1(public_raw(old)).id
        )
    )


def _second_lead_by_the_station(shop: Shop) -> None:
    grants = (RoleV1(role="lead", from_ms=START_MS, to_ms=None),)
    shop.keys["meng"] = generate_key()
    signers = (shop.station, "meng")
    shop.events.append(shop.key_event("enrol", "meng", signers=signers, approved_by=shop.station, roles=grants))


def _enrolled_by_no_lead(shop: Shop) -> None:
    shop.enrol("xu", ("technician",), approved_by="wang")


def _same_key_for_two(shop: Shop) -> None:
    shop.keys["xu"] = shop.keys["li"]
    shop.enrol("xu", ("technician",))


#: What happens at the bench before its checks are signed, or after; which kinds of problems it gives.
EVENTS: dict[str, tuple[Callable[[Shop], None], set[str]]] = {
    "revoked before": (_ended("revoke", -(10**6)), {"signature"}),
    "revoked later": (_ended("revoke", 10**9), {"signature"}),
    "compromised": (_ended("compromise", -(10**6)), {"signature"}),
    "retired before": (_ended("retire", -(10**6)), {"signature"}),
    "retired later": (_ended("retire", 10**9), set()),
    "revoked by somebody who may not": (_ended("revoke", -(10**6), "wang"), {"roster", "signature"}),
    "rotated by its holder": (_rotated("li"), {"signature"}),
    "rotated by the lead": (_rotated("zhao"), {"signature"}),
    "rotated by somebody who may not": (_rotated("wang"), {"roster", "signature"}),
    "other roles from then on": (_roles("technician"), {"signature"}),
    "an auditor": (_roles("auditor", "inspector"), set()),
    "roles for the past": (_roles("technician", from_ms=-(10**6)), {"roster", "signature"}),
    "roles by somebody who may not": (_roles("technician", by="wang"), {"roster", "signature"}),
    "a new station key": (_station_rotated, {"signature"}),
    "a second lead by the station alone": (_second_lead_by_the_station, {"roster", "signature"}),
    "enrolled by no lead": (_enrolled_by_no_lead, {"roster", "signature"}),
    "one key for two": (_same_key_for_two, {"roster", "signature"}),
}


@pytest.mark.parametrize("what", EVENTS)
def test_what_happens_to_keys_and_roles_at_the_other_station_is_judged_alike(
    two: Two, tmp_path: Path, what: str
) -> None:
    """The bench's key events go on with one more, and a sign-off of li follows it, by the key of before."""
    work, wanted = EVENTS[what]
    shop, bundle = two.bench.shop, open_bundle(two.bundle())
    keys, events, now = dict(shop.keys), list(shop.events), shop.now_ms
    try:
        work(shop)
        shop.tick(5000)
        run = next(data for _, data in bundle.records if open_record(data).kind == "run/v1")
        later = shop.signoff(run, "li", "inspector", "verified")
        theirs = (*dict(bundle.peers)["BENCH"], shop.events[-1])
    finally:
        shop.keys, shop.events, shop.now_ms = keys, events, now
    made = _with(bundle, peers=(("BENCH", theirs),), records=(*bundle.records, (900, later)))
    assert compared(write_bundle(made)) == wanted


@pytest.mark.parametrize(
    ("change", "signers"),
    [
        ({"printed_name": "Another"}, ("BENCH", "li")),
        ({"key_level": 2}, ("BENCH", "li")),
        ({"role": "lead"}, ("BENCH", "li")),
        ({"role": "auditor"}, ("BENCH", "li")),
        ({"signed_ms": START_MS - 10**6}, ("BENCH", "li")),
        ({"person": "wang"}, ("BENCH", "li")),
        ({}, ("BENCH",)),
        ({}, ("li",)),
        ({}, ("BENCH", "li", "wang")),
        ({"simulated": False}, ("BENCH", "li")),
        ({"shop": "shop-2"}, ("BENCH", "li")),
        ({"station": "COUNTER"}, ("BENCH", "li")),
        ({"station": "QC"}, ("BENCH", "li")),
    ],
)
def test_a_record_that_is_not_signed_by_whom_it_says_is_refused_alike(
    two: Two, change: dict[str, Any], signers: tuple[str, ...]
) -> None:
    shop, bundle = two.bench.shop, open_bundle(two.bundle())
    run = next(data for _, data in bundle.records if open_record(data).kind == "run/v1")
    good = open_record(shop.signoff(run, "li", "inspector", "verified")).statement.predicate
    assert good is not None
    made = good.model_copy(update=change)
    bad = shop.sign("signoff/v1", digest_of(run), made, *signers)
    assert compared(write_bundle(_with(bundle, records=(*bundle.records, (900, bad))))) == {"signature"}


@pytest.mark.parametrize(
    ("change", "by"),
    [
        ({"from_ms": 1}, "zhao"),
        ({"to_ms": 1}, "zhao"),
        ({"approved_by": "wang"}, "wang"),
        ({"person": "nobody"}, "zhao"),
        ({"printed_name": "Another"}, "zhao"),
        ({}, "wang"),
    ],
)
def test_a_qualification_that_may_not_be_given_is_refused_alike(two: Two, change: dict[str, Any], by: str) -> None:
    shop, bundle = two.counter.shop, open_bundle(two.bundle())
    given = next(data for data in bundle.roster if open_record(data).kind == "qualification/v1")
    good = open_record(given).statement.predicate
    assert good is not None
    bad = shop.sign("qualification/v1", "0" * 64, good.model_copy(update=change), shop.station, by)
    assert compared(write_bundle(_with(bundle, roster=(*bundle.roster, bad)))) == {"roster"}
    other = write_bundle(_with(bundle, roster=(*bundle.roster[:-1],)))
    assert compared(other) == set()
