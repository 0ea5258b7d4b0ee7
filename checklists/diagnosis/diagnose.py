"""The answer: which causes, with what for and against each, what to run next and what to try first.

`diagnose` ranks, and abstains where the evidence is too thin to name anything; `order_by_symptom` puts a checklist in
the order in which it would tell most, inside the hard rules of `checklists.ordering`. Pure functions of policy,
symptoms and evidence; every number of theirs comes from the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from checklists.diagnosis.evidence import Evidence
from checklists.diagnosis.network import Network, Posterior, Sign, seen_with
from checklists.diagnosis.schema import Cause, Policy, Repair
from checklists.ordering import order
from checklists.schema import Check
from drivers.text import Words

__all__ = [
    "Candidate",
    "Diagnosis",
    "NextCheck",
    "Outcome",
    "Reason",
    "Separator",
    "Step",
    "diagnose",
    "order_by_symptom",
]


class Outcome(StrEnum):
    """What came of it."""

    FOUND = "found"
    NARROWED = "narrowed"
    NOT_ENOUGH = "not-enough-seen"
    NO_FAULT = "no-fault-found"

    @property
    def words(self) -> Words:
        """The outcome for people."""
        return _OUTCOMES[self]


_OUTCOMES = {
    Outcome.FOUND: Words("cause found", "已定位原因"),
    Outcome.NARROWED: Words("narrowed down: the easier repair is tried first", "已缩小范围：先试较易的维修"),
    Outcome.NOT_ENOUGH: Words("not enough seen to name a cause", "证据不足，无法定位原因"),
    Outcome.NO_FAULT: Words("no fault found", "未检出故障"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for or against a cause.

    Attributes:
        sign: what it is; `sign.check` names the check it comes from.
        weight: natural logarithm of how much likelier the sign is with the cause than without; below zero: against.
        words: the same for people.
    """

    sign: Sign
    weight: float
    words: Words

    @property
    def strength(self) -> Words:
        """How strongly it speaks: a factor of 20 is strong, one of 3 is clear (Jeffreys' and Kass and Raftery's
        scales, J. Am. Stat. Assoc. 90 (1995) 773-795)."""
        size = abs(self.weight)
        return _STRONG if size >= 3.0 else _CLEAR if size >= 1.1 else _SLIGHT


@dataclass(frozen=True, slots=True)
class Candidate:
    """One cause with its probability and its reasons, the weightiest first."""

    cause: Cause
    probability: float
    reasons: tuple[Reason, ...]

    @property
    def speaking_for(self) -> tuple[Reason, ...]:
        """What speaks for it."""
        return tuple(one for one in self.reasons if one.weight > 0)

    @property
    def speaking_against(self) -> tuple[Reason, ...]:
        """What speaks against it."""
        return tuple(one for one in self.reasons if one.weight < 0)


@dataclass(frozen=True, slots=True)
class Step:
    """One repair of the plan and the causes that it would mend; `chance`: the probability that it mends something."""

    repair: Repair
    causes: tuple[str, ...]
    chance: float


@dataclass(frozen=True, slots=True)
class NextCheck:
    """A check not run yet, what it is expected to tell (bits), and the sign it would tell it by."""

    check: str
    bits: float
    sign: str


@dataclass(frozen=True, slots=True)
class Separator:
    """The check that would best tell the two likeliest answers apart, and how often each of them shows its sign."""

    check: str
    sign: str
    between: tuple[str, str]
    shown: tuple[float, float]
    words: Words


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is thought of a phone, and why.

    Attributes:
        outcome, words: what came of it, and one sentence that says so.
        causes: the causes named: one, two, or with `narrowed` those among which it lies; with no fault found in the
            phone, what else it may be (card, charger, place of use); empty when none is.
        ranking: every cause that is at least possible, likeliest first.
        sound: the probability that nothing is wrong with the phone.
        plan: repairs in the order in which they are tried; without a named cause only those that open nothing and cost
            no part.
        separator: the check that would best separate the top two; None when none is left that could.
        next_checks: the checks not run yet that would tell something, in the order to run them.
        not_run: checks that were tried or planned and said nothing, with the reason.
        unexplained: checks that did not pass and that no likely cause explains.
        unknown: symptoms, parts and checks that the policy does not know.
    """

    outcome: Outcome
    words: Words
    causes: tuple[str, ...]
    ranking: tuple[Candidate, ...]
    sound: float
    plan: tuple[Step, ...]
    separator: Separator | None
    next_checks: tuple[NextCheck, ...]
    not_run: Mapping[str, Words | None]
    unexplained: tuple[str, ...]
    unknown: tuple[str, ...]


#: Bits below which a check is not worth running: it would change a probability by hardly more than a percent.
WORTH_BITS = 0.01
#: Bits from which on a check could still tell apart what the answer leaves open.
TELLING_BITS = 0.05
#: The most causes among which an answer may stay undecided and still be one.
NARROW = 3


def diagnose(policy: Policy, symptoms: Sequence[str], evidence: Evidence, checks: Sequence[Check] = ()) -> Diagnosis:
    """What may be wrong with a phone, with reasons, and how to go on.

    Args:
        policy: what is known of phones.
        symptoms: the coded complaints; one not stated speaks neither for nor against anything.
        evidence: what the checks said.
        checks: the checks that could be run on this phone; none: all that the policy knows, by their worth.
    """
    network = Network(policy)
    signs = network.signs(symptoms, evidence)
    posterior = network.posterior(signs)
    say = _Sayings(policy, checks)
    ranking = _ranking(policy, network, posterior, signs, say)
    ahead = _next(network, posterior, evidence, checks)
    separator = _separator(network, posterior, [one.check for one in ahead], policy, say)
    outcome, causes = _outcome(network, posterior, ranking, [one.check for one in ahead])
    plan = _plan(policy, posterior, causes or tuple(one.cause.id for one in ranking[:NARROW]))
    return Diagnosis(
        outcome=outcome,
        words=_sentence(outcome, causes, network, ahead, say),
        causes=causes,
        ranking=ranking,
        sound=posterior.sound,
        plan=tuple(step for step in plan if causes or _is_easy(step)),
        separator=separator,
        next_checks=ahead,
        not_run={one.check: one.reason for one in evidence.said.values() if not one.speaks},
        unexplained=_unexplained(signs, ranking),
        unknown=_unknown(policy, network, symptoms, evidence),
    )


def order_by_symptom(
    policy: Policy, checks: Sequence[Check], symptoms: Sequence[str], evidence: Evidence | None = None
) -> list[Check]:
    """The checks in the order in which they would tell most, inside the rules of `checklists.ordering`.

    Soft before hard, automatic before asking, quick before slow, harmless before writing and every `after` hold as
    always; among checks that these do not tell apart, the one worth most comes first. What has already spoken comes
    last among its like.
    """
    network, evidence = Network(policy), evidence or Evidence()
    posterior = network.posterior(network.signs(symptoms, evidence))
    worth = {
        check.id: 0.0 if evidence.spoke(check.id) else network.worth(check.id, posterior.hypotheses)[0]
        for check in checks
    }
    return order(sorted(checks, key=lambda check: (evidence.spoke(check.id), -worth[check.id])))


# --- the answer ------------------------------------------------------------------------------------------------------


#: The part that stands for what is the customer's own: card, charger, film, place of use. The phone is well then.
CUSTOMER_SIDE = "customer-side"


def _outcome(
    network: Network,
    posterior: Posterior,
    ranking: Sequence[Candidate],
    ahead: Sequence[str],
) -> tuple[Outcome, tuple[str, ...]]:
    likely = float(network.policy.strengths.confidence["likely"])
    possible = float(network.policy.strengths.confidence["possible"])
    chances = {one.cause.id: one.probability for one in ranking}
    named = [one for one in ranking if one.probability >= likely]
    if shown := tuple(one.cause.id for one in named if _is_shown(one, network, ahead)):
        return Outcome.FOUND, shown
    if named:
        return Outcome.NOT_ENOUGH, ()
    outside = tuple(one for one in chances if network.causes[one].part == CUSTOMER_SIDE and chances[one] >= possible)
    well = {causes: share for causes, share in posterior.hypotheses.items() if set(causes) <= set(outside)}
    still_open = any(network.worth(check, posterior.hypotheses)[0] >= TELLING_BITS for check in ahead)
    if posterior.sound >= likely or (sum(well.values()) >= likely and not still_open):
        return Outcome.NO_FAULT, outside
    if still_open:
        return Outcome.NOT_ENOUGH, ()
    for size in range(2, min(NARROW, len(ranking)) + 1):
        among = {one.cause.id for one in ranking[:size]}
        if sum(share for causes, share in posterior.hypotheses.items() if among & set(causes)) >= likely:
            return Outcome.NARROWED, tuple(one.cause.id for one in ranking[:size])
    return Outcome.NOT_ENOUGH, ()


def _is_shown(candidate: Candidate, network: Network, ahead: Sequence[str]) -> bool:
    """Whether more than the customer's word stands behind a cause, or nothing more could.

    What anybody sees (broken glass) needs no check; of what only a check can show, the complaint is not enough as long
    as that check was not run.
    """
    plain = {one.id for one in network.policy.symptoms if one.plain}
    if any(one.sign.kind != "symptom" or one.sign.key in plain for one in candidate.speaking_for):
        return True
    rivals = {(candidate.cause.id,): candidate.probability, (): 1 - candidate.probability}
    return not any(network.worth(check, rivals)[0] >= TELLING_BITS for check in ahead)


def _ranking(
    policy: Policy, network: Network, posterior: Posterior, signs: Sequence[Sign], say: _Sayings
) -> tuple[Candidate, ...]:
    """Every possible cause, and the three likeliest at least where anything speaks for them."""
    possible = float(policy.strengths.confidence["possible"])
    by_chance = sorted(posterior.causes.items(), key=lambda one: (-one[1], one[0]))
    found = []
    for place, (cause, chance) in enumerate(by_chance):
        if chance < possible and place >= NARROW:
            break
        reasons = [
            Reason(sign, ratio, say.sign(sign)) for sign in signs if abs(ratio := sign.log_ratio((cause,))) > 0.01
        ]
        reasons.sort(key=lambda one: -abs(one.weight))
        if any(one.weight > 0 for one in reasons):
            found.append(Candidate(network.causes[cause], chance, tuple(reasons)))
    return tuple(found)


def _unexplained(signs: Sequence[Sign], ranking: Sequence[Candidate]) -> tuple[str, ...]:
    """Checks that did not pass though no possible cause makes that more likely."""
    causes = [one.cause.id for one in ranking]
    left = [sign for sign in signs if sign.kind == "finding" and not any(one in sign.chance for one in causes)]
    return tuple(dict.fromkeys(sign.check for sign in left))


def _unknown(policy: Policy, network: Network, symptoms: Sequence[str], evidence: Evidence) -> tuple[str, ...]:
    known = {one.id for one in policy.symptoms}
    parts = {name for part in policy.parts for name in (part.id, *part.aliases)}
    return tuple(
        dict.fromkeys(
            [
                *(one for one in symptoms if one not in known),
                *(one.check for one in evidence.said.values() if not network.knows(one.check)),
                *(one.part for one in evidence.suspects if one.part not in parts),
            ]
        )
    )


# --- the plan --------------------------------------------------------------------------------------------------------

_LAYERS = ("soft", "hard")
_DIFFICULTIES = ("easy", "moderate", "difficult", "board")


def _plan(policy: Policy, posterior: Posterior, causes: Sequence[str]) -> tuple[Step, ...]:
    """What is done about these causes: soft before hard, easy before difficult, then what mends with more chance.

    Nothing comes before making a phone safe, and a cause's own order holds among repairs that are equally easy.
    """
    by_id = {cause.id: cause for cause in policy.causes}
    helped: dict[str, list[str]] = {}
    for cause in causes:
        for repair in by_id[cause].repairs:
            helped.setdefault(repair, []).append(cause)
    repairs = {repair.id: repair for repair in policy.repairs}
    steps = [
        Step(
            repairs[repair],
            tuple(theirs),
            sum(share for one, share in posterior.hypotheses.items() if set(one) & set(theirs)),
        )
        for repair, theirs in helped.items()
    ]
    return tuple(sorted(steps, key=_step_rank))


def _is_easy(step: Step) -> bool:
    return step.repair.difficulty == "easy" and step.repair.needs is None


def _step_rank(step: Step) -> tuple[bool, int, int, float]:
    repair = step.repair
    return (
        repair.id != MAKE_SAFE,
        _LAYERS.index(repair.layer),
        _DIFFICULTIES.index(repair.difficulty),
        -round(step.chance, 3),
    )


#: The repair that comes before all others wherever it is due.
MAKE_SAFE = "make-safe"


# --- what to run next ------------------------------------------------------------------------------------------------


def _next(network: Network, posterior: Posterior, evidence: Evidence, checks: Sequence[Check]) -> tuple[NextCheck, ...]:
    known = [check.id for check in checks] if checks else [check.id for check in network.policy.checks]
    found = {}
    for check in known:
        bits, sign = (0.0, check) if evidence.spoke(check) else network.worth(check, posterior.hypotheses)
        if bits >= WORTH_BITS:
            found[check] = NextCheck(check, bits, sign)
    by_worth = sorted(found.values(), key=lambda one: (-one.bits, one.check))
    if not checks:
        return tuple(by_worth)
    place = {one.check: at for at, one in enumerate(by_worth)}
    wanted = sorted((check for check in checks if check.id in found), key=lambda check: place[check.id])
    return tuple(found[check.id] for check in order(wanted))


def _separator(
    network: Network, posterior: Posterior, candidates: Sequence[str], policy: Policy, say: _Sayings
) -> Separator | None:
    """The check that tells most between the two likeliest hypotheses; None when one is certain or none would tell."""
    by_share = sorted(posterior.hypotheses.items(), key=lambda one: (-one[1], one[0]))
    if by_share[0][1] >= float(policy.strengths.confidence["certain"]):
        return None
    first, second = by_share[:2]
    pair = {first[0]: first[1], second[0]: second[1]}
    worths = [(*network.worth(check, pair), check) for check in candidates]
    bits, sign, check = max(worths, default=(0.0, "", ""))
    if bits < WORTH_BITS:
        return None
    chance, alarm = network.chances(sign, check), network.alarm(check)
    shown = (seen_with(chance, alarm, first[0]), seen_with(chance, alarm, second[0]))
    between = (say.hypothesis(first[0], network), say.hypothesis(second[0], network))
    words = _SEPARATES.fill(
        check=say.check(check),
        sign=say.finding(sign, check),
        first=between[0],
        second=between[1],
        a=f"{shown[0]:.0%}",
        b=f"{shown[1]:.0%}",
    )
    return Separator(check, sign, ("+".join(first[0]), "+".join(second[0])), shown, words)


# --- words -----------------------------------------------------------------------------------------------------------

_STRONG = Words("strongly", "强")
_CLEAR = Words("clearly", "明显")
_SLIGHT = Words("slightly", "轻微")
_SAYS = Words("the customer says: {what}", "客户反映：{what}")
_FAILS = Words("{check} does not pass", "{check}未通过")
_FINDS = Words("{check}: {what}", "{check}：{what}")
_PASSES = Words("{check} passes", "{check}合格")
_NAMES = Words("crash evidence names the {part}", "崩溃记录指向{part}")
_NOTHING_WRONG = Words("nothing wrong", "无故障")
_SEPARATES = Words(
    "{check} would tell: {sign} in {a} of cases with “{first}”, in {b} with “{second}”",
    "可用“{check}”区分：{sign}，在“{first}”时约 {a}，在“{second}”时约 {b}",
)
_AMONG = Words(
    "one of: {causes}; no check is left that would tell, the easier repair comes first",
    "其一：{causes}；已无检测项可区分，先做较易的维修",
)
_TELL = Words("too little was seen; these checks would tell: {checks}", "证据不足，应检测：{checks}")
_NOTHING_TELLS = Words("too little was seen, and no check is left that would tell", "证据不足，且已无检测项可区分")
_SOUND = Words(
    "everything that could explain the complaint was looked at and is well", "可能相关的检测项均已检测且正常"
)
_OUTSIDE = Words("the phone is well as far as seen; it may be: {causes}", "手机检测正常，可能为：{causes}")


class _Sayings:
    """What signs, checks and hypotheses are called."""

    def __init__(self, policy: Policy, checks: Sequence[Check]) -> None:
        self._titles = {check.id: check.title.words for check in checks}
        self._symptoms = {one.id: one.name.words for one in policy.symptoms}
        self._findings = {one.code: one.name.words for one in policy.findings}
        self._parts = {one.id: one.words for one in policy.parts}

    def check(self, check: str) -> Words:
        return self._titles.get(check) or Words(check, check)

    def finding(self, key: str, check: str) -> Words:
        return self._findings.get(key) or _FAILS.fill(check=self.check(check))

    def sign(self, sign: Sign) -> Words:
        if sign.kind == "symptom":
            return _SAYS.fill(what=self._symptoms[sign.key])
        if sign.kind == "pass":
            return _PASSES.fill(check=self.check(sign.check))
        if sign.kind == "suspect":
            return _NAMES.fill(part=self._parts[sign.key])
        if sign.key in self._findings:
            return _FINDS.fill(check=self.check(sign.check), what=self._findings[sign.key])
        return _FAILS.fill(check=self.check(sign.check))

    def hypothesis(self, causes: Sequence[str], network: Network) -> Words:
        if not causes:
            return _NOTHING_WRONG
        return listed([network.causes[one].name.words for one in causes], " + ", "＋")


def listed(words: Iterable[Words], en: str = ", ", zh: str = "、") -> Words:
    """Several texts as one."""
    every = list(words)
    return Words(en.join(one.en for one in every), zh.join(one.zh for one in every))


def _sentence(
    outcome: Outcome, causes: Sequence[str], network: Network, ahead: Sequence[NextCheck], say: _Sayings
) -> Words:
    names = listed(network.causes[one].name.words for one in causes)
    if outcome is Outcome.FOUND:
        return names
    if outcome is Outcome.NARROWED:
        return _AMONG.fill(causes=names)
    if outcome is Outcome.NO_FAULT:
        return _OUTSIDE.fill(causes=names) if causes else _SOUND
    telling = sorted(ahead, key=lambda one: -one.bits)[:NARROW]
    return _TELL.fill(checks=listed(say.check(one.check) for one in telling)) if telling else _NOTHING_TELLS
