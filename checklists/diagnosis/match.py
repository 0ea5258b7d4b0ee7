"""Suggests coded symptoms from what a customer says, in either language or both mixed. It suggests; a person decides.

A symptom is suggested when one of its phrases stands in a clause that does not say that all is well. Pure text against
the phrases of the policy; it weighs nothing and knows no ticket.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checklists.diagnosis.schema import Phrases, Policy, Qualifier, Symptom

__all__ = ["Suggestion", "suggest", "suggest_qualifiers"]

#: Characters of a complaint that are looked at; the rest is no complaint any more.
_LOOK = 4000
#: Ends of clauses; a comma ends one too, since "the screen is fine, the sound is not" are two.
_CLAUSE = re.compile(r"[.,;:!?\n\r。，、；：！？]|\bbut\b|但是|但|不过")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A symptom, and the words of the customer that suggest it."""

    symptom: str
    phrase: str


def suggest(policy: Policy, text: str) -> tuple[Suggestion, ...]:
    """The symptoms that the words may mean, in the order in which they are said, each once."""
    clauses = [one for one in _clauses(text) if not _has_any(one, policy.fine)]
    found = [hit for at, clause in enumerate(clauses) for hit in _in_clause(at, clause, policy.symptoms)]
    found.sort()
    first = {symptom: phrase for _, _, symptom, phrase in reversed(found)}
    return tuple(Suggestion(one, first[one]) for one in dict.fromkeys(symptom for _, _, symptom, _ in found))


def suggest_qualifiers(policy: Policy, text: str) -> tuple[Suggestion, ...]:
    """When, how often and after what, as far as the words say so."""
    found = [hit for at, clause in enumerate(_clauses(text)) for hit in _in_clause(at, clause, policy.qualifiers)]
    first = {qualifier: phrase for _, _, qualifier, phrase in sorted(found, reverse=True)}
    return tuple(Suggestion(one, first[one]) for one in dict.fromkeys(one for _, _, one, _ in sorted(found)))


def _clauses(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text[:_LOOK]).casefold().replace("’", "'")
    return [" ".join(one.split()) for one in _CLAUSE.split(plain) if one.strip()]


def _in_clause(
    at: int, clause: str, entries: Sequence[Symptom] | Sequence[Qualifier]
) -> Iterable[tuple[int, int, str, str]]:
    """Each entry with a phrase in the clause: clause, place there, id, phrase.

    Of overlapping ones the first stays, and of two at one place the longer: "front camera does not open" is not also
    "camera does not open".
    """
    hits = []
    for entry in entries:
        for phrase in (*entry.phrases.en, *entry.phrases.zh):
            if (place := _find(clause, phrase.casefold())) >= 0:
                hits.append((place, place + len(phrase), entry.id, phrase))
    for start, end, name, phrase in hits:
        others = (one for one in hits if one[2] != name)
        if not any((a < start < b) or (a == start and b > end) for a, b, _, _ in others):
            yield at, start, name, phrase


def _find(clause: str, phrase: str) -> int:
    """Where the phrase begins: Latin words as whole words, Chinese anywhere; -1 if it is not there."""
    if phrase.isascii():
        found = re.search(rf"(?<![a-z0-9]){re.escape(phrase)}(?![a-z0-9])", clause)
        return found.start() if found else -1
    return clause.replace(" ", "").find(phrase.replace(" ", ""))


def _has_any(clause: str, phrases: Phrases) -> bool:
    return any(_find(clause, one.casefold()) >= 0 for one in (*phrases.en, *phrases.zh) if not _negated(clause, one))


def _negated(clause: str, phrase: str) -> bool:
    """`不正常`, `is not fine`: what says that something is well, denied."""
    place = _find(clause, phrase.casefold())
    before = clause.replace(" ", "") if not phrase.isascii() else clause
    return before[max(0, place - 1) : place] in ("不", "非") or before[max(0, place - 5) : place].endswith("not ")
