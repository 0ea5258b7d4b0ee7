"""How often the diagnosis is right: its answers against phones whose faults are known.

    python -m checklists.diagnosis.judge FOLDER [--misses]

prints top-1, top-3, abstentions and the confusion table, for the cases that weights were set with and for those held
out (what the folder's README says). Reads cases, asks `diagnose`; knows no phone and changes no weight.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from checklists.diagnosis.diagnose import Diagnosis, Outcome, diagnose
from checklists.diagnosis.evidence import Evidence, Said, Suspect
from checklists.diagnosis.load import shipped_policy
from checklists.diagnosis.schema import Policy
from checklists.toml import read_document
from checklists.verdict import Verdict

__all__ = ["Case", "Judged", "Score", "confusion", "judge", "main", "read_cases", "score"]

VARIANTS = ("clean", "distractor", "missing", "two")


@dataclass(frozen=True, slots=True)
class Case:
    """One phone: what is seen of it, what is wrong with it, and why that is the answer.

    Attributes:
        id: `cause/variant`, or `sound/name`.
        causes: what is wrong; empty: nothing.
        also: answers that are as right.
        expect: `answer`, `abstain` (nobody could know) or `sound`.
        tell: with `abstain`, the checks of which one must be asked for.
    """

    id: str
    symptoms: tuple[str, ...]
    evidence: Evidence
    causes: tuple[str, ...]
    also: tuple[str, ...]
    expect: Literal["answer", "abstain", "sound"]
    tell: tuple[str, ...]
    why: str

    @property
    def held_out(self) -> bool:
        """Whether weights may not be set with it."""
        return zlib.crc32(self.id.encode()) % 3 == 0


@dataclass(frozen=True, slots=True)
class Judged:
    """A case and what was answered."""

    case: Case
    answer: Diagnosis

    @property
    def top(self) -> tuple[str, ...]:
        """The causes by rank."""
        return tuple(one.cause.id for one in self.answer.ranking)

    @property
    def abstained(self) -> bool:
        """Whether no cause was named and the phone not called sound."""
        return self.answer.outcome in (Outcome.NOT_ENOUGH, Outcome.NARROWED)

    @property
    def right(self) -> bool:
        """Whether the answer is the expected one: every cause that is there, no other; or the right abstention."""
        case, answer = self.case, self.answer
        if case.expect == "abstain":
            asked = [one.check for one in sorted(answer.next_checks, key=lambda one: -one.bits)[:3]]
            return self.abstained and bool(set(asked) & set(case.tell))
        if answer.outcome is Outcome.NO_FAULT:
            return case.expect == "sound" or bool(set(case.causes) & set(answer.causes))
        named = set(answer.causes) if answer.outcome is Outcome.FOUND else set()
        if not named:
            return False
        if len(case.causes) > 1 and not case.also:
            return named == set(case.causes)
        return named <= {*case.causes, *case.also}

    @property
    def wrong(self) -> bool:
        """Whether something was said that is not so: a cause that is not there, or soundness of what is not."""
        if self.answer.outcome is Outcome.NO_FAULT:
            return self.case.expect != "sound" and not set(self.case.causes) & set(self.answer.causes)
        if self.answer.outcome is Outcome.FOUND:
            return not set(self.answer.causes) <= {*self.case.causes, *self.case.also}
        return False

    def among(self, places: int) -> bool:
        """Whether each cause that is there, or an answer as right, is among the first `places` (of two: one more)."""
        first = set(self.top[: places + len(self.case.causes) - 1])
        return all(cause in first for cause in self.case.causes) or bool(first & set(self.case.also))


# --- reading ---------------------------------------------------------------------------------------------------------


def read_cases(folder: Path) -> list[Case]:
    """The cases of a folder, in order.

    Raises:
        ChecklistErrors: a file is no TOML.
        ValueError: a case does not say why.
    """
    groups = read_document(folder / "groups.toml").data["groups"]
    found = []
    for path in sorted(folder.glob("*.toml")):
        data = read_document(path).data
        for fault in data.get("fault", ()):
            for variant in VARIANTS:
                found.append(_fault_case(fault, variant, groups))
        for sound in data.get("sound", ()):
            found.append(_case(f"sound/{sound['id']}", sound["case"], groups, (), "sound"))
    return found


def _fault_case(fault: Mapping[str, Any], variant: str, groups: Mapping[str, Any]) -> Case:
    written = fault[variant]
    causes = (fault["cause"], *((written["with"],) if "with" in written else ()))
    expect: Literal["answer", "abstain"] = "abstain" if written.get("expect") == "abstain" else "answer"
    return _case(f"{fault['cause']}/{variant}", written, groups, causes, expect)


def _case(
    name: str,
    written: Mapping[str, Any],
    groups: Mapping[str, Any],
    causes: tuple[str, ...],
    expect: Literal["answer", "abstain", "sound"],
) -> Case:
    said: dict[str, Said] = {}
    for key, verdict in (
        ("pass", Verdict.PASS),
        ("not_run", Verdict.NONE),
        ("warn", Verdict.WARN),
        ("fail", Verdict.FAIL),
    ):
        for check, codes in _listed(written.get(key, ()), groups):
            said[check] = Said(check, verdict, codes)
    suspects = [Suspect(part) for part in written.get("suspects", ())]
    if not written.get("why"):
        raise ValueError(f"{name} does not say why")
    return Case(
        name,
        tuple(written["say"]),
        Evidence.of(list(said.values()), suspects),
        causes,
        tuple(written.get("also", ())),
        expect,
        tuple(written.get("tell", ())),
        written["why"],
    )


def _listed(names: Sequence[str], groups: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Checks with their codes; groups first, so that what is named itself wins."""
    for name in sorted(names, key=lambda one: not one.startswith("@")):
        if name.startswith("@"):
            yield from ((check, ()) for check in groups[name[1:]])
        else:
            check, _, code = name.partition(":")
            yield check, (code,) if code else ()


# --- judging ---------------------------------------------------------------------------------------------------------


def judge(policy: Policy, cases: Iterable[Case]) -> list[Judged]:
    """Every case with its answer."""
    return [Judged(case, diagnose(policy, case.symptoms, case.evidence)) for case in cases]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over some cases.

    Attributes:
        cases: how many.
        right: answers that are exactly the expected ones.
        wrong: answers that name what is not there, or call sound what is not.
        answerable, top1, top3: cases with a fault that can be known; those with it first, or among the first three.
        abstained: answerable cases in which nothing was named.
        unknowable, kept_quiet: cases that nobody could know; those in which nothing was named.
        sound, cleared: phones without a fault; those called so.
        both: pairs of faults of which both were named, and `pairs` how many there are.
    """

    cases: int
    right: int
    wrong: int
    answerable: int
    top1: int
    top3: int
    abstained: int
    unknowable: int
    kept_quiet: int
    sound: int
    cleared: int
    pairs: int
    both: int


def score(judged: Sequence[Judged]) -> Score:
    """The counts of these cases."""
    answerable = [one for one in judged if one.case.expect == "answer"]
    unknowable = [one for one in judged if one.case.expect == "abstain"]
    sound = [one for one in judged if one.case.expect == "sound"]
    pairs = [one for one in answerable if len(one.case.causes) > 1]
    return Score(
        cases=len(judged),
        right=sum(one.right for one in judged),
        wrong=sum(one.wrong for one in judged),
        answerable=len(answerable),
        top1=sum(one.top[:1] != () and one.top[0] in {*one.case.causes, *one.case.also} for one in answerable),
        top3=sum(one.among(3) for one in answerable),
        abstained=sum(one.abstained for one in answerable),
        unknowable=len(unknowable),
        kept_quiet=sum(one.abstained for one in unknowable),
        sound=len(sound),
        cleared=sum(one.answer.outcome is Outcome.NO_FAULT for one in sound),
        pairs=len(pairs),
        both=sum(set(one.case.causes) <= set(one.answer.causes) for one in pairs),
    )


def confusion(judged: Iterable[Judged]) -> Counter[tuple[str, str]]:
    """How often which cause (or `sound`) was answered with which; of two faults each counts, the right ones first."""
    table: Counter[tuple[str, str]] = Counter()
    for one in judged:
        named = list(one.answer.causes) if one.answer.outcome is Outcome.FOUND else [one.answer.outcome.value]
        for cause in one.case.causes or ("sound",):
            table[cause, cause if cause in named else next((n for n in named if n not in one.case.causes), "-")] += 1
    return table


# --- printing --------------------------------------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures; 0 always, what is enough is for tests to say."""
    parser = argparse.ArgumentParser(prog="python -m checklists.diagnosis.judge")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--misses", action="store_true", help="list the answers that are not the expected ones")
    chosen = parser.parse_args(argv)
    judged = judge(shipped_policy(), read_cases(chosen.folder))
    set_with = [one for one in judged if not one.case.held_out]
    held_out = [one for one in judged if one.case.held_out]
    sys.stdout.write("\n".join(_figures({"set with": set_with, "held out": held_out, "all": judged})) + "\n")
    sys.stdout.write("\n".join(_confusion_lines(confusion(judged))) + "\n")
    if chosen.misses:  # never of the held-out ones: who has seen them has set weights with them
        sys.stdout.write("\n".join(_miss(one) for one in set_with if not one.right) + "\n")
    return 0


def _figures(groups: Mapping[str, Sequence[Judged]]) -> Iterator[str]:
    rows = {name: score(judged) for name, judged in groups.items()}
    yield f"{'':34}" + "".join(f"{name:>18}" for name in rows)
    for label, part, whole in (
        ("exactly as expected", "right", "cases"),
        ("said what is not so", "wrong", "cases"),
        ("top-1", "top1", "answerable"),
        ("top-3", "top3", "answerable"),
        ("abstained though it could be known", "abstained", "answerable"),
        ("both of two faults named", "both", "pairs"),
        ("kept quiet where nobody can know", "kept_quiet", "unknowable"),
        ("sound phone called sound", "cleared", "sound"),
    ):
        cells = (_share(getattr(row, part), getattr(row, whole)) for row in rows.values())
        yield f"{label:34}" + "".join(f"{cell:>18}" for cell in cells)


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} {part / whole:5.1%}" if whole else "-"


def _confusion_lines(table: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Each cause with what it was answered with; right ones as `=`."""
    yield ""
    yield "what it is -> what was answered (= itself)"
    for cause in sorted({cause for cause, _ in table}):
        answers = sorted(((n, name) for (one, name), n in table.items() if one == cause), key=lambda a: (-a[0], a[1]))
        yield f"{cause:22} " + "  ".join(f"{'=' if name == cause else name} {n}" for n, name in answers)


def _miss(one: Judged) -> str:
    top = ", ".join(f"{each.cause.id} {each.probability:.2f}" for each in one.answer.ranking[:4])
    asked = ", ".join(each.check for each in one.answer.next_checks[:3])
    expected = "+".join(one.case.causes) or "sound"
    answered = f"{one.answer.outcome.value}: {'+'.join(one.answer.causes)}"
    return f"{one.case.id} [{one.case.expect} {expected}] {answered} | {top} | sound {one.answer.sound:.2f} | {asked}"


if __name__ == "__main__":
    sys.exit(main())
