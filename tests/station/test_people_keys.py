"""A person's key on the bench: sealed, opened by the right secret alone, and every try counted and told."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from reports.attest import generate_key, key_id, public_raw
from station.errors import Trouble
from station.people import COST, LOCK_OUT_S, TRIES, Cost, Outcome, PersonKeys, UnlockTry

QUICK = Cost(memory_kib=64, iterations=1, lanes=1)
SECRET = "correct horse"
WRONG = "wrong horse!"


class Clock:
    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.ms

    def forward(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


class Bench:
    """A data folder with one person's key, a clock in hand, and what was told to the journal."""

    def __init__(self, data: Path) -> None:
        self.data, self.clock, self.told = data, Clock(), list[UnlockTry]()
        self.keys = PersonKeys(data, self.told.append, QUICK, self.clock)
        self.private = self.keys.create("wang", SECRET)

    def code(self, secret: str = WRONG) -> str:
        """What a try with this secret comes to."""
        try:
            self.keys.unlock("wang", secret)
        except Trouble as trouble:
            return trouble.code
        return "opened"

    def wrong(self, times: int) -> None:
        for _ in range(times):
            self.code()
            self.clock.forward(60)

    @property
    def path(self) -> Path:
        return self.keys.key_of("wang").path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_right_secret_gives_the_key_that_was_made(bench: Bench) -> None:
    opened = bench.keys.unlock("wang", SECRET)
    assert public_raw(opened) == public_raw(bench.private)
    assert bench.told == [
        UnlockTry("wang", key_id(public_raw(opened)), Outcome.OPENED, failures=0, at_ms=bench.clock.ms)
    ]


def test_the_same_characters_typed_elsewhere_are_the_same_secret(tmp_path: Path) -> None:
    keys = PersonKeys(tmp_path, cost=QUICK)
    keys.create("li", "caf\u00e9 \u4e2d\u6587 ok")
    keys.unlock("li", "cafe\u0301 \u4e2d\u6587 ok")


def test_a_new_key_costs_a_guess_what_the_rfc_recommends(tmp_path: Path) -> None:
    keys = PersonKeys(tmp_path)
    keys.create("wang", SECRET)
    stored = json.loads(keys.key_of("wang").path.read_text())
    assert stored["kdf"] | {"salt": ""} == {
        "name": "argon2id",
        "memory_kib": 65536,
        "iterations": 3,
        "lanes": 4,
        "salt": "",
    }
    assert (COST.memory_kib, COST.iterations) == (65536, 3)
    keys.unlock("wang", SECRET)


def test_the_file_is_its_owners_alone_and_holds_no_secret(bench: Bench) -> None:
    content = bench.path.read_bytes()
    assert bench.path.stat().st_mode & 0o777 == 0o600
    assert bench.path.parent.stat().st_mode & 0o777 == 0o700
    assert SECRET.encode() not in content
    assert bench.private.private_bytes_raw().hex().encode() not in content


@pytest.mark.parametrize("secret", ["", "1234", "1234567", "\u4e2d\u6587\u5bc6\u7801"])
def test_a_short_secret_is_refused_before_anything_is_made(tmp_path: Path, secret: str) -> None:
    with pytest.raises(Trouble) as caught:
        PersonKeys(tmp_path, cost=QUICK).create("wang", secret)
    assert caught.value.code == "person.weak-secret"
    assert not (tmp_path / "people").exists()


@pytest.mark.parametrize("person", ["", "../wang", "a/b", "wang\n", ".hidden", "x" * 65])
def test_an_id_that_cannot_name_a_file_is_refused(tmp_path: Path, person: str) -> None:
    with pytest.raises(Trouble) as caught:
        PersonKeys(tmp_path, cost=QUICK).create(person, SECRET)
    assert caught.value.code == "person.id"


def test_each_wrong_try_makes_the_next_wait_longer(bench: Bench) -> None:
    waits = []
    for _ in range(TRIES - 1):
        assert bench.code() == "person.wrong-secret"
        waited = 0
        while bench.code(SECRET) == "person.too-soon":
            bench.clock.forward(1)
            waited += 1
            if waited > 100:
                break
        # the right secret resets the count, so the wrong tries before it are typed again
        waits.append(waited)
        for _ in range(len(waits)):
            bench.code()
            bench.clock.forward(60)
    assert waits == [1, 2, 4, 8]


def test_a_person_is_locked_out_and_the_lock_out_ends_by_time(bench: Bench) -> None:
    bench.wrong(TRIES - 1)
    assert bench.code() == "person.locked-out"
    bench.clock.forward(LOCK_OUT_S - 1)
    assert bench.code(SECRET) == "person.locked-out"
    bench.clock.forward(1)
    assert bench.code(SECRET) == "opened"
    assert bench.code() == "person.wrong-secret"


def test_after_a_lock_out_one_more_wrong_try_locks_again(bench: Bench) -> None:
    bench.wrong(TRIES)
    bench.clock.forward(LOCK_OUT_S)
    assert bench.code() == "person.locked-out"
    assert bench.code(SECRET) == "person.locked-out"


def test_every_try_is_told_with_its_outcome(bench: Bench) -> None:
    bench.code()
    bench.code(SECRET)
    bench.wrong(TRIES)
    bench.code(SECRET)
    outcomes = [(told.outcome.value, told.failures) for told in bench.told]
    assert outcomes == [
        ("wrong", 1),
        ("too-soon", 1),
        ("too-soon", 1),
        *[("wrong", n) for n in range(2, TRIES + 1)],
        ("locked-out", TRIES),
    ]


def test_the_count_survives_the_process_and_a_new_start(bench: Bench) -> None:
    bench.wrong(TRIES)
    again = PersonKeys(bench.data, cost=QUICK, now_ms=bench.clock)
    with pytest.raises(Trouble) as caught:
        again.unlock("wang", SECRET)
    assert caught.value.code == "person.locked-out"


def test_a_try_is_counted_before_the_secret_is_looked_at(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for _ in range(TRIES):
        with monkeypatch.context() as patch:
            patch.setattr("station.people._unseal", killed)
            with pytest.raises(KeyboardInterrupt):
                bench.keys.unlock("wang", WRONG)
        bench.clock.forward(60)
    assert bench.code(SECRET) == "person.locked-out"


def test_a_full_disk_lets_nobody_guess_uncounted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert bench.code(SECRET) == "disk.write"


def test_a_damaged_count_is_a_lock_out_and_no_way_round(bench: Bench) -> None:
    tries = bench.path.parent / "wang.tries"
    tries.write_text("{")
    tries.chmod(0o600)
    assert bench.code(SECRET) == "person.locked-out"
    bench.clock.forward(LOCK_OUT_S)
    assert bench.code(SECRET) == "opened"


def test_a_clock_that_goes_back_never_locks_for_longer_than_the_wait(bench: Bench) -> None:
    bench.code()
    bench.clock.forward(-86400)
    assert bench.code(SECRET) == "person.too-soon"
    message = ""
    try:
        bench.keys.unlock("wang", SECRET)
    except Trouble as trouble:
        message = trouble.next_step.en
    assert message == "try again in 1 s"


def test_a_lead_ends_a_lock_out_and_nobody_else_does(bench: Bench) -> None:
    lead = generate_key()
    bench.wrong(TRIES)
    with pytest.raises(Trouble) as caught:
        bench.keys.end_lock_out("wang", generate_key(), lambda public: public == public_raw(lead))
    assert caught.value.code == "person.not-lead"
    assert bench.code(SECRET) == "person.locked-out"
    bench.keys.end_lock_out("wang", lead, lambda public: public == public_raw(lead))
    assert bench.told[-1].outcome is Outcome.LOCK_ENDED
    assert bench.code(SECRET) == "opened"


def test_two_people_do_not_share_a_count(bench: Bench) -> None:
    bench.keys.create("li", SECRET)
    bench.wrong(TRIES)
    bench.keys.unlock("li", SECRET)


def test_a_seal_moved_to_another_person_or_key_does_not_open(bench: Bench) -> None:
    path = bench.path
    content = json.loads(path.read_text())
    for change in ({"person": "li"}, {"public": public_raw(generate_key()).hex()}, {"created_ms": 1}):
        path.write_text(json.dumps(content | change))
        keys = PersonKeys(bench.data, cost=QUICK, now_ms=bench.clock)
        with pytest.raises(Trouble) as caught:
            keys.unlock(str((content | change)["person"]), SECRET)
        assert caught.value.code == "person.wrong-secret"
        bench.clock.forward(60)


@pytest.mark.parametrize("damage", ["", "{", '{"format": "assay-person-key/1"}', "\x00" * 100])
def test_a_damaged_key_file_is_named_and_the_others_still_open(bench: Bench, damage: str) -> None:
    bench.keys.create("li", SECRET)
    path = bench.path
    path.write_text(damage)
    assert bench.code(SECRET) == "key.unusable"
    assert bench.keys.damaged() == [path]
    bench.keys.unlock("li", SECRET)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_key_file_open_to_others_is_refused(bench: Bench) -> None:
    bench.path.chmod(0o644)
    assert bench.code(SECRET) == "key.readable"


def test_a_planted_file_cannot_make_the_bench_work_for_hours(bench: Bench) -> None:
    content = json.loads(bench.path.read_text())
    content["kdf"]["memory_kib"] = 64 * 1024 * 1024
    bench.path.write_text(json.dumps(content))
    assert bench.code(SECRET) == "key.unusable"


def test_a_person_whose_id_begins_another_is_not_mistaken_for_them(tmp_path: Path) -> None:
    keys = PersonKeys(tmp_path, cost=QUICK)
    keys.create("wang.li", SECRET)
    with pytest.raises(Trouble) as caught:
        keys.unlock("wang", SECRET)
    assert caught.value.code == "person.no-key"


def test_the_newest_key_is_the_one_in_use_and_an_old_one_can_be_destroyed(bench: Bench) -> None:
    bench.clock.forward(1)
    newer = bench.keys.create("wang", "another secret")
    assert public_raw(bench.keys.unlock("wang", "another secret")) == public_raw(newer)
    assert bench.keys.destroy(key_id(public_raw(bench.private)))
    assert not bench.keys.destroy(key_id(public_raw(bench.private)))
    assert [key.public for key in bench.keys.stored()] == [public_raw(newer)]


def _noon() -> int:
    return 1_700_000_000_000


def _guess(data: str, start: object, outcomes: object) -> None:
    keys = PersonKeys(Path(data), cost=QUICK, now_ms=_noon)
    start.wait()  # type: ignore[attr-defined]
    try:
        keys.unlock("wang", WRONG)
    except Trouble as trouble:
        outcomes.put(trouble.code)  # type: ignore[attr-defined]


def test_processes_that_guess_at_once_share_one_count(tmp_path: Path) -> None:
    PersonKeys(tmp_path, cost=QUICK).create("wang", SECRET)
    context = multiprocessing.get_context("spawn")
    start, outcomes = context.Barrier(2), context.Queue()
    guessers = [context.Process(target=_guess, args=(str(tmp_path), start, outcomes)) for _ in range(2)]
    for guesser in guessers:
        guesser.start()
    seen = sorted(outcomes.get(timeout=60) for _ in guessers)
    for guesser in guessers:
        guesser.join()
    assert seen == ["person.too-soon", "person.wrong-secret"]
