"""Reads the policy of diagnosis, with every problem of it at once.

Stands on the readers of checklists: a problem names file, line, key and what was meant. The shipped policy lies beside
this file; another folder with the same files can be given. It knows no evidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from checklists.canonical import canonical_data, dump_model
from checklists.diagnosis.schema import Policy
from checklists.problems import ChecklistErrors, Document, Problem, did_you_mean, explain, join
from checklists.problems import Path as KeyPath
from checklists.toml import read_document
from drivers.text import Words

__all__ = ["SHIPPED", "load_policy", "shipped_policy"]

#: The folder of the policy that comes with Assay.
SHIPPED = Path(__file__).parent / "policy"

#: Where each part of the policy stands: file, table there (empty: the whole file), key of `Policy`.
_PLACES = (
    ("strengths", "", "strengths"),
    ("symptoms", "symptom", "symptoms"),
    ("symptoms", "qualifier", "qualifiers"),
    ("symptoms", "fine", "fine"),
    ("parts", "part", "parts"),
    ("faults", "row", "rows"),
    ("faults", "exempt", "exempt"),
    ("findings", "finding", "findings"),
    ("findings", "check", "checks"),
    ("causes", "cause", "causes"),
    ("repairs", "repair", "repairs"),
    ("repairs", "risks", "risks"),
)


@cache
def shipped_policy() -> Policy:
    """The policy that comes with Assay, read once."""
    return load_policy()


def load_policy(folder: Path = SHIPPED) -> Policy:
    """The policy in a folder.

    Raises:
        ChecklistErrors: everything that is wrong with it; nothing of it may be used.
    """
    documents = {name: read_document(folder / f"{name}.toml") for name in dict.fromkeys(place[0] for place in _PLACES)}
    raw: dict[str, Any] = {"sha256": ""}
    for name, table, key in _PLACES:
        data = documents[name].data
        raw[key] = data if not table else data.get(table, {} if table in ("fine", "risks") else [])
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        found = [_placed(documents, *explain(one, Policy)) for one in error.errors(include_url=False)]
        raise ChecklistErrors(found) from error
    problems = list(_references(policy, documents))
    if problems:
        raise ChecklistErrors(problems)
    digest = hashlib.sha256(canonical_data(dump_model(policy))).hexdigest()
    return policy.model_copy(update={"sha256": digest})


def _placed(documents: Mapping[str, Document], path: KeyPath, what: Words) -> Problem:
    """A problem of the whole policy as one of the file that it lies in."""
    name, table = next((name, table) for name, table, key in _PLACES if path and key == path[0])
    return documents[name].problem((*([table] if table else []), *path[1:]), what)


def _references(policy: Policy, documents: Mapping[str, Document]) -> Iterator[Problem]:
    """Ids that stand twice, and words, ids and codes that are not there."""
    parts = [part.id for part in policy.parts]
    codes = {finding.code for finding in policy.findings}
    checks = {check.id for check in policy.checks}
    rows, exempt = {row.id for row in policy.rows}, {one.id for one in policy.exempt}

    def wrong(name: str, table: str, at: int, key: str, word: str, known: Iterable[str]) -> Iterator[Problem]:
        if word not in known:
            what = join(_UNKNOWN.fill(word=word), did_you_mean(word, known))
            yield documents[name].problem((table, at, key), what)

    yield from _twice(policy, documents)
    strengths = policy.strengths
    for at, symptom in enumerate(policy.symptoms):
        yield from wrong("symptoms", "symptom", at, "vagueness", symptom.vagueness, strengths.vagueness)
    for at, check in enumerate(policy.checks):
        yield from wrong("findings", "check", at, "false_alarm", check.false_alarm, strengths.false_alarm)
        yield from wrong("findings", "check", at, "warning", check.warning, strengths.warning)
    for at, finding in enumerate(policy.findings):
        yield from wrong("findings", "finding", at, "part", finding.part, parts)
        for check_id in finding.checks:
            yield from wrong("findings", "finding", at, "checks", check_id, checks)
        if (finding.row is None) == (finding.exempt is None):
            yield documents["findings"].problem(("finding", at), _ROW_OR_REASON.fill(code=finding.code))
        yield from wrong("findings", "finding", at, "row", finding.row, rows) if finding.row else ()
        yield from wrong("findings", "finding", at, "exempt", finding.exempt, exempt) if finding.exempt else ()
    symptoms, repairs = [one.id for one in policy.symptoms], [one.id for one in policy.repairs]
    for at, cause in enumerate(policy.causes):
        yield from wrong("causes", "cause", at, "part", cause.part, parts)
        yield from wrong("causes", "cause", at, "prior", cause.prior, strengths.prior)
        for key, pairs, known, words in (
            ("signs", cause.signs, codes | checks, strengths.sign),
            ("complaints", cause.complaints, symptoms, strengths.complaint),
            ("suspects", cause.suspects, parts, strengths.sign),
        ):
            for word, strength in pairs.items():
                yield from wrong("causes", "cause", at, key, word, known)
                yield from wrong("causes", "cause", at, key, strength, words)
        for repair_id in cause.repairs:
            yield from wrong("causes", "cause", at, "repairs", repair_id, repairs)
    for at, repair in enumerate(policy.repairs):
        for risk in repair.risks:
            yield from wrong("repairs", "repair", at, "risks", risk, policy.risks)


def _twice(policy: Policy, documents: Mapping[str, Document]) -> Iterator[Problem]:
    tables: Sequence[tuple[str, str, list[str]]] = (
        ("symptoms", "symptom", [one.id for one in policy.symptoms]),
        ("symptoms", "qualifier", [one.id for one in policy.qualifiers]),
        ("parts", "part", [name for one in policy.parts for name in (one.id, *one.aliases)]),
        ("findings", "finding", [one.code for one in policy.findings]),
        ("findings", "check", [one.id for one in policy.checks]),
        ("causes", "cause", [one.id for one in policy.causes]),
        ("repairs", "repair", [one.id for one in policy.repairs]),
    )
    for name, table, ids in tables:
        for word in sorted({one for one in ids if ids.count(one) > 1}):
            yield documents[name].problem((table,), _TWICE.fill(word=word))


_UNKNOWN = Words("{word} is not known here", "此处没有“{word}”")
_TWICE = Words("{word} stands here twice", "{word} 重复出现")
_ROW_OR_REASON = Words(
    "{code} needs a row of the fault table or the reason why it has none, and not both",
    "{code} 须写明对应的性能故障表行或不对应的原因，二者取一",
)
