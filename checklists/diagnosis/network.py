"""The arithmetic of diagnosis: how probable each cause, and each pair of causes, is in the light of the evidence.

Causes cause signs independently of each other ("noisy or": Pearl, Probabilistic Reasoning in Intelligent Systems,
1988; in two layers as in QMR-DT, Shwe et al., Methods of Information in Medicine 30 (1991)): a sign stays away when
neither any cause brings it nor a false alarm. At most two causes at once are weighed. What was not seen is in no
product, so that a check not run weighs nothing. Pure numbers; words are for `diagnose`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal, NamedTuple

from checklists.diagnosis.evidence import Evidence, Said
from checklists.diagnosis.schema import Cause, Policy
from checklists.verdict import Verdict

__all__ = ["Network", "Posterior", "Sign"]

#: No fault, one cause, or two.
Hypothesis = tuple[str, ...]

#: Hypotheses below this share of the whole are left out when a check's worth is weighed: they could not change it.
_NEGLIGIBLE = 1e-4


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that speaks.

    Attributes:
        kind: `symptom`, `finding` (a check that did not pass), `pass` (one that did) or `suspect`.
        key: the symptom, the fault code or the check's id where it gave no code, the part.
        check: the check it comes from; empty for symptoms.
        chance: how often each cause brings it (a pass: keeps the check from passing); causes not in it never do.
        alarm: how often it is there (a pass: is kept away) without cause.
        weight: the share of the logarithm that counts.
    """

    kind: Literal["symptom", "finding", "pass", "suspect"]
    key: str
    check: str
    chance: Mapping[str, float]
    alarm: float
    weight: float = 1.0

    def log_ratio(self, causes: Iterable[str]) -> float:
        """Log of how much likelier the sign is with these causes than without any."""
        absent = 1 - self.alarm
        for cause in causes:
            absent *= 1 - self.chance.get(cause, 0.0)
        if self.kind == "pass":
            return self.weight * math.log(absent / (1 - self.alarm))
        return self.weight * math.log((1 - absent) / self.alarm)


class Posterior(NamedTuple):
    """How probable what is: every hypothesis that counts, and each cause over all of them."""

    hypotheses: Mapping[Hypothesis, float]
    causes: Mapping[str, float]

    @property
    def sound(self) -> float:
        """How probable it is that nothing is wrong."""
        return self.hypotheses.get((), 0.0)


@dataclass(slots=True)
class Network:
    """A policy made ready for arithmetic."""

    policy: Policy
    causes: dict[str, Cause] = field(init=False)
    _alarms: dict[str, tuple[float, float]] = field(init=False)
    _looks_for: dict[str, list[str]] = field(init=False)
    _named: set[str] = field(init=False)
    _parts: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        policy, words = self.policy, self.policy.strengths
        self.causes = {cause.id: cause for cause in policy.causes}
        self._alarms = {
            check.id: (float(words.false_alarm[check.false_alarm]), float(words.warning[check.warning]))
            for check in policy.checks
        }
        self._looks_for = {check.id: [] for check in policy.checks}
        for finding in policy.findings:
            for check_id in finding.checks:
                self._looks_for[check_id].append(finding.code)
        self._named = {key for cause in policy.causes for key in cause.signs}
        self._parts = {name: part.id for part in policy.parts for name in (part.id, *part.aliases)}

    # --- signs

    def signs(self, symptoms: Iterable[str], evidence: Evidence) -> list[Sign]:
        """Everything that speaks; symptoms and parts that the policy does not know are left out."""
        vague = {one.id: one.vagueness for one in self.policy.symptoms}
        found = [self._symptom(one, vague[one]) for one in dict.fromkeys(symptoms) if one in vague]
        for said in evidence.said.values():
            if said.speaks and said.check in self._alarms:
                found += self._of_check(said)
        words = self.policy.strengths.suspect
        strongest: dict[str, float] = {}
        for suspect in evidence.suspects:
            part = self._parts.get(suspect.part)
            if part is not None:
                strongest[part] = max(strongest.get(part, 0.0), float(words[suspect.strength]))
        return found + [self._suspect(part, weight) for part, weight in strongest.items()]

    def _symptom(self, symptom: str, vagueness: str) -> Sign:
        words = self.policy.strengths
        chance = {
            one.id: float(words.complaint[one.complaints[symptom]])
            for one in self.causes.values()
            if symptom in one.complaints
        }
        return Sign("symptom", symptom, "", chance, float(words.vagueness[vagueness]))

    def _of_check(self, said: Said) -> list[Sign]:
        alarm, warning = self._alarms[said.check]
        if said.verdict is Verdict.PASS:
            return [Sign("pass", said.check, said.check, self._any(said.check), alarm)]
        weight = warning if said.verdict is Verdict.WARN else 1.0
        codes = [code for code in dict.fromkeys(said.findings) if code in self._named] or [said.check]
        return [Sign("finding", code, said.check, self.chances(code, said.check), alarm, weight) for code in codes]

    def chances(self, key: str, check: str) -> dict[str, float]:
        """How often each cause gives this finding, or keeps this check from passing when the key is the check.

        A cause that names findings of the check gives no others; one that names only the check may give any.
        """
        if key == check:
            return self._any(check)
        found = {}
        for cause in self.causes.values():
            named = any(code in cause.signs for code in self._looks_for[check])
            strength = cause.signs.get(key) or (None if named else cause.signs.get(check))
            if strength:
                found[cause.id] = float(self.policy.strengths.sign[strength])
        return found

    def _any(self, check: str) -> dict[str, float]:
        """How often each cause keeps the check from passing: by its most frequent sign of it."""
        found = {}
        for cause in self.causes.values():
            strengths = [cause.signs[key] for key in (check, *self._looks_for[check]) if key in cause.signs]
            if strengths:
                found[cause.id] = max(float(self.policy.strengths.sign[one]) for one in strengths)
        return found

    def _suspect(self, part: str, weight: float) -> Sign:
        words = self.policy.strengths
        chance = {}
        for cause in self.causes.values():
            strength = cause.suspects.get(part) or ("sometimes" if cause.part == part else None)
            if strength:
                chance[cause.id] = float(words.sign[strength])
        return Sign("suspect", part, "crashes", chance, float(words.suspect["false_alarm"]), weight)

    # --- probabilities

    def posterior(self, signs: Sequence[Sign]) -> Posterior:
        """How probable each hypothesis is.

        With a complaint, only causes for which something speaks are weighed: a phone that was brought for its camera is
        not held to have a dead key because nobody pressed it. Without one, all of them are. Pairs are weighed where
        something speaks for each of the two.
        """
        priors = self.policy.strengths.prior
        prior = {cause.id: math.log(float(priors[cause.prior])) for cause in self.causes.values()}
        spoken_for = [one for one in prior if any(s.kind != "pass" and one in s.chance for s in signs)]
        complained = any(sign.kind == "symptom" and sign.chance for sign in signs)
        logs: dict[Hypothesis, float] = {(): math.log(float(self.policy.strengths.sound["prior"]))}
        for one in spoken_for if complained else prior:
            logs[one,] = prior[one] + sum(sign.log_ratio((one,)) for sign in signs)
        for pair in combinations(spoken_for, 2):
            logs[pair] = prior[pair[0]] + prior[pair[1]] + sum(sign.log_ratio(pair) for sign in signs)
        top = max(logs.values())
        weights = {one: math.exp(log - top) for one, log in logs.items()}
        total = sum(weights.values())
        shares = {one: weight / total for one, weight in weights.items()}
        causes = dict.fromkeys(prior, 0.0)
        for hypothesis, share in shares.items():
            for cause in hypothesis:
                causes[cause] += share
        return Posterior({one: share for one, share in shares.items() if share > _NEGLIGIBLE}, causes)

    # --- what a check would tell

    def worth(self, check: str, hypotheses: Mapping[Hypothesis, float]) -> tuple[float, str]:
        """What running the check is expected to tell between hypotheses, in bits, and the sign that tells it.

        The mutual information of the hypothesis and the check's most telling sign (Shannon 1948); zero for a check
        that the policy does not know.
        """
        if check not in self._alarms:
            return 0.0, check
        alarm = self._alarms[check][0]
        keys = [code for code in self._looks_for[check] if code in self._named] + [check]
        total = sum(hypotheses.values())
        best = (0.0, check)
        for key in keys:
            chance = self.chances(key, check)
            mean, inside = 0.0, 0.0
            for hypothesis, share in hypotheses.items():
                seen = seen_with(chance, alarm, hypothesis)
                mean += share / total * seen
                inside += share / total * _entropy(seen)
            best = max(best, (_entropy(mean) - inside, key))
        return best

    def alarm(self, check: str) -> float:
        """How often the check does not pass without cause."""
        return self._alarms[check][0]

    def knows(self, check: str) -> bool:
        """Whether the policy says what the check means."""
        return check in self._alarms


def seen_with(chance: Mapping[str, float], alarm: float, causes: Iterable[str]) -> float:
    """How often a sign is seen with these causes."""
    absent = 1 - alarm
    for cause in causes:
        absent *= 1 - chance.get(cause, 0.0)
    return 1 - absent


def _entropy(p: float) -> float:
    return 0.0 if p <= 0 or p >= 1 else -p * math.log2(p) - (1 - p) * math.log2(1 - p)
