"""The branches of a ticket's life, as people type them: who, which command, and the state of the ticket after it."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.sim.bench import SimulatedPhone
from tests.life.shop import Hand, Line

Branch = Sequence[Line | Hand]

FACES = " ".join(f"--faces {face}" for face in ("front", "back", "left", "right", "top", "bottom"))
OWNER = "--owner-name 王芳 --owner-phone '138 0013 8000'"
ASKS = f"register --channel walk-in {OWNER} --model {{model}} --imei {{imei}} --complaint 'empty by noon'"
LOOKS = f"appearance {FACES} --liquid dry --screws untouched --powers-on yes --lock owner-unlocks"
CONFIRMS = "confirm {ticket} --decision confirmed --backup made --by owner"
STEPS = " ".join(f"--steps '{n};yes'" for n in range(1, 7))
AGREES = "consent {ticket} --decision agreed --way signature --proof {picture}"
HANDS_BACK = (
    "deliver {ticket} --imei {imei} --collector owner --name 王芳 --way paper --reference SLIP-7 --shown --accessories"
)


def run(person: str, stage: str, state: str, code: int = 0) -> tuple[Line, Line]:
    """A whole run at a stage, and its signature."""
    command = f"run --device {{device}} --checklist {{checklist}} --ticket {{ticket}} --stage {stage}"
    return Line(person, command, code=code), Line(person, "sign {ticket}", state)


def taken_in(code: int = 0, asks: str = ASKS) -> tuple[Line | Hand, ...]:
    """Over the counter, and looked at; `code` is that of the run."""
    return (
        Line("front", asks, "registered"),
        *again("the first time", code)[:2],
        Line("front", f"{LOOKS} {{ticket}} --device {{imei}} --accessories 'charger;1;used'", "received"),
        Line("front", f"{CONFIRMS} --way signature --proof {{picture}}", "received"),
        *run("tech", "intake", "diagnosing", code),
    )


def again(why: str, code: int = 0) -> tuple[Line | Hand, ...]:
    """Into the shop once more: taken in, looked at, confirmed and run."""
    return (
        Line("front", "intake {ticket} --device {device} --accessories charger --data-notice --test-consent"),
        Line("front", "sign {ticket}", "received"),
        Line("front", f"{LOOKS} {{ticket}} --device {{imei}} --reason '{why}'", "received"),
        Line("front", f"{CONFIRMS} --way signature --proof {{picture}}", "received"),
        *run("tech", "intake", "diagnosing", code),
    )


def fit_battery(phone: SimulatedPhone) -> None:
    """A hand opens the phone and puts the new battery in."""
    phone.state.fit_battery()


WORN = Line("tech", "diagnosis {ticket} --decision cause-found --cause battery-worn --why measured", "diagnosing")
PLAN = Line("tech", "plan {ticket} --repairs 'replace-battery;BAT-EX-1' --promised {later}", "waiting for the customer")
YES = Line("front", f"{AGREES} --confirmed water-seal --confirmed warranty", "in repair")
FITTED: Branch = (
    Line("store", "stock add BAT-EX-1 --part battery --batch LOT-7"),
    Line("store", "reserve {ticket}", "in repair"),
    Line(
        "tech",
        "part {ticket} --number BAT-EX-1 --batch LOT-7 --genuine maker --proof label --old-part customer"
        " --issued-by store",
        "in repair",
    ),
    Hand(fit_battery),
    Line(
        "tech",
        f"repair {{ticket}} --remedies replace-battery --esd 1.0 --screws-out 8 --screws-in 8 {STEPS} --sealed tape",
        "self-check due",
    ),
)
CHECKED: Branch = (
    *run("tech", "self-check", "cross-check due"),
    *run("qc", "cross-check", "cross-check due"),
)
REPAIRED: Branch = (
    *taken_in(code=1),
    WORN,
    PLAN,
    YES,
    *FITTED,
    *CHECKED,
    Line("qc", "release {ticket}", "ready"),
    Line("front", f"{HANDS_BACK} --old-parts handed-over --paid 189.00 --pay-way wechat", "delivered"),
)
UNREPAIRED = f"{HANDS_BACK} --old-parts none --paid 0 --pay-way none"

WALK_IN: Branch = (
    *taken_in(code=1),
    Line("front", "warranty {ticket} --item battery --papers both --sold {bought}", "diagnosing"),
    *run("tech", "diagnosis", "diagnosing", code=1),
    WORN,
    PLAN,
    Line("tech", f"{AGREES} --confirmed water-seal", code=2, says=("Not confirmed by the customer",)),
    YES,
    *FITTED,
    *CHECKED,
    Line("qc", "release {ticket}", "ready"),
    Line("front", "notify {ticket} --stage ready", "ready"),
    Line("front", f"{HANDS_BACK} --old-parts handed-over --paid 180.00 --pay-way cash", "ready", 1, ("189.00",)),
    Line("front", f"{HANDS_BACK} --old-parts handed-over --paid 189.00 --pay-way wechat", "delivered"),
    Line("front", "close {ticket} --how completed", "delivered", 1, ("follow-up call is due",)),
    Line("front", "follow-up {ticket} --channel phone --reached --fault gone --score 5", "delivered"),
    Line("front", "close {ticket} --how completed", "closed"),
)

MAIL_IN: Branch = (
    Line("front", ASKS.replace("walk-in", "mail-in") + " --waybill SF-1001", "registered"),
    Line("front", "intake {ticket} --device {device} --data-notice --test-consent"),
    Line("front", "sign {ticket}", "received"),
    Line("front", f"{CONFIRMS} --way signature --proof {{picture}}", "received", 1, ("appearance record first",)),
    Line("front", f"{LOOKS} {{ticket}} --device {{imei}}", "received", 1, ("unpacked before a camera",)),
    Line(
        "front",
        f"{LOOKS} {{ticket}} --device {{imei}} --unpacking {{picture}} --seal intact --waybill SF-9999",
        "received",
        1,
        ("is not the registered one",),
    ),
    Line(
        "front",
        f"{LOOKS} {{ticket}} --device {{imei}} --unpacking {{picture}} --seal intact --waybill SF-1001",
        "received",
    ),
    Line("front", f"{CONFIRMS} --way witness --witness chen", "received", 2, ("not at the counter",)),
    Line(
        "front",
        "confirm {ticket} --decision differs --difference 'a scratch on the back' --backup made --by owner --way call"
        " --proof {call}",
        "waiting for the customer",
    ),
    Line(
        "tech",
        "run --device {device} --checklist {checklist} --ticket {ticket} --stage intake",
        "waiting for the customer",
        1,
    ),
    Line(
        "front",
        f"{LOOKS} {{ticket}} --device {{imei}} --unpacking {{picture}} --seal intact --waybill SF-1001"
        " --marks 'back;scratch;500;500;small' --photo-back {picture} --reason 'as the customer said'",
        "waiting for the customer",
    ),
    Line("front", f"{CONFIRMS} --way one-time-code --code 00000000", code=1, says=("No code was sent",)),
    Line("front", "consent-code {ticket}", "waiting for the customer"),
    Line("front", f"{CONFIRMS} --way call --proof {{call}}", "received"),
    *run("tech", "intake", "diagnosing"),
    *CHECKED,
    Line("qc", "release {ticket}", "ready"),
    Line(
        "front",
        "deliver {ticket} --imei {imei} --collector owner --name 王芳 --way courier --reference SF-2002 --shown"
        " --accessories --old-parts none --paid 0 --pay-way none",
        "delivered",
    ),
)

TRIES = [f"--tries '{how};30'" for how in ("at 5 C", "in a call", "while charging")]
NO_FAULT: Branch = (
    *taken_in(),
    Line(
        "tech",
        f"diagnosis {{ticket}} --decision no-fault-found {' '.join(TRIES[:2])}",
        "diagnosing",
        2,
        ("looked for 2 times",),
    ),
    Line("tech", f"diagnosis {{ticket}} --decision no-fault-found {' '.join(TRIES)}", "waiting for the customer"),
    Line("tech", "plan {ticket} --promised {later}", "waiting for the customer"),
    Line("front", f"{AGREES}", "waiting for the customer", 2),
    Line("front", AGREES.replace("agreed", "observe"), "diagnosing"),
    Line("tech", f"diagnosis {{ticket}} --decision observation --until 2099-01-01 {TRIES[0]}", "diagnosing"),
    Line("front", AGREES.replace("agreed", "return-unrepaired"), "ready"),
    Line("front", UNREPAIRED, "ready", 1, ("20.00 CNY less",)),  # the examination that the plan without repairs told
    Line("front", f"{HANDS_BACK} --old-parts none --paid 20.00 --pay-way cash", "returned unrepaired"),
)

REFUSED: Branch = (
    *taken_in(code=1),
    WORN,
    PLAN,
    Line("front", AGREES.replace("agreed", "refused"), "diagnosing"),
    Line("store", "reserve {ticket}", "diagnosing", 1, ("not agreed",)),
    Line("front", UNREPAIRED, "diagnosing", 1),
    Line("front", AGREES.replace("agreed", "return-unrepaired"), "ready"),
    Line("front", UNREPAIRED, "returned unrepaired", says=("returned unrepaired",)),
    Line("front", "follow-up {ticket} --channel phone --reached --fault unknown --score 3", "returned unrepaired"),
    Line("front", "close {ticket} --how completed", "closed"),
)

PARCEL = "--carrier SF --photos {picture}"
SENT_OUT: Branch = (
    *taken_in(code=1),
    WORN,
    PLAN,
    YES,
    Line(
        "tech",
        f"send-out {{ticket}} --destination factory --receiver Maker --waybill SF-1 --seal S-77 {PARCEL} --sent handset"
        " --sent tray --data-state backed-up --reason 'battery bay' --due {later}",
        "at the factory",
    ),
    Line("tech", "send-back {ticket} --outcome repaired", "at the factory", 2),
    Line(
        "tech",
        f"send-back {{ticket}} --outcome repaired --waybill SF-2 --seal S-78 --seal-whole {PARCEL} --came handset",
        "at the factory",
        2,
        ("tray",),
    ),
    Hand(fit_battery),
    Line(
        "front",
        f"send-back {{ticket}} --outcome repaired --waybill SF-2 --seal S-78 --seal-whole {PARCEL} --came handset"
        " --came tray --report 'new battery' --parts battery",
        "received",
    ),
    Line("front", f"{LOOKS} {{ticket}} --device {{imei}} --reason 'back from the factory'", "received"),
    Line("front", f"{CONFIRMS} --way signature --proof {{picture}}", "received"),
    *run("tech", "intake", "diagnosing"),
    *CHECKED,
    Line("qc", "release {ticket}", "ready"),
    Line("front", f"{HANDS_BACK} --old-parts none --paid 189.00 --pay-way cash", "delivered"),
)

MET = " ".join(f"--met {one}" for one in ("film", "network-tag", "back-label", "shell", "imei-label", "card-copies"))
EXCHANGED: Branch = (
    *taken_in(code=1),
    Line(
        "front",
        "warranty {ticket} --item handset --faults no-start --papers both --sold {lately} --price 2999",
        "diagnosing",
        says=("15",),
    ),
    Line("front", "exchange {ticket} --remedy exchange --goes-in handset --new-imei {other}", "diagnosing", 2),
    Line(
        "front",
        f"exchange {{ticket}} --remedy exchange {MET} --goes-in handset --goes-in invoice-copy --goes-in card-copy"
        " --goes-in fault-report --new-imei {other} --call {call} --called {now}",
        "ready",
    ),
    Line("front", f"{HANDS_BACK} --old-parts none --paid 0 --pay-way none", "ready", 1),
    Line(
        "front",
        HANDS_BACK.replace("{imei}", "{other}") + " --old-parts none --paid 0 --pay-way none",
        "exchanged / returned",
        says=("exchanged",),
    ),
)

ONE_PERSON: Branch = (
    *taken_in(),
    *run("tech", "self-check", "cross-check due"),
    Line("chen", "release {ticket}", "cross-check due", 1),
    Line("tech", "waive {ticket} --waiver no-cross-check --reason 'one person today'", "cross-check due", 1),
    Line("chen", "waive {ticket} --waiver no-cross-check --reason 'one person today'", "cross-check due"),
    Line("chen", "release {ticket}", "ready", says=("waiver",)),
    Line("front", f"{HANDS_BACK} --old-parts none --paid 0 --pay-way none", "delivered", says=("未互检",)),
)

CONCESSION: Branch = (
    *taken_in(code=1),
    Line("tech", "diagnosis {ticket} --decision cause-found --cause other --words wrong --why guessed", "diagnosing"),
    Line("tech", "amend {ticket} --target {diagnosis} --reason 'not so'", "diagnosing", 1),
    Line("chen", "amend {ticket} --target {diagnosis} --reason 'typed on the wrong ticket'", "diagnosing"),
    Line("tech", "plan {ticket} --promised {later}", "diagnosing", 1, ("no diagnosis",)),
    Line(
        "tech",
        "diagnosis {ticket} --decision cause-found --cause battery-worn --why seen",
        "diagnosing",
        learn='"record": "([0-9a-f]+)"',
    ),
    WORN,
    Line("chen", "amend {ticket} --target {learnt} --replacement {diagnosis} --reason 'it was measured'", "diagnosing"),
    *run("tech", "self-check", "cross-check due", code=1),
    *run("qc", "cross-check", "cross-check due", code=1),
    Line("qc", "release {ticket}", "cross-check due", 1),
    Line("chen", "waive {ticket} --waiver concession --checks battery-health --reason 'the customer knows'"),
    Line("qc", "release {ticket}", "ready", says=("waiver",)),
    Line(
        "front", f"{HANDS_BACK} --old-parts none --paid 0 --pay-way none", "delivered", says=("released with waiver",)
    ),
)

DECLINED: Branch = (
    *taken_in(code=1),
    WORN,
    Line(
        "tech",
        "plan {ticket} --repairs clean-mesh --declined 'storage-space;no' --promised {later}",
        "diagnosing",
        2,
        ("did not fail",),
    ),
    Line(
        "tech",
        "plan {ticket} --repairs clean-mesh --declined 'battery-health;too dear' --promised {later}",
        "waiting for the customer",
        says=("declined",),
    ),
    Line("front", AGREES, "in repair"),
    Line("tech", "repair {ticket} --remedies clean-mesh --remedy cleaned", "self-check due"),
    *run("tech", "self-check", "cross-check due", code=1),
    *run("qc", "cross-check", "cross-check due", code=1),
    Line("qc", "release {ticket}", "ready"),
    Line("front", f"{HANDS_BACK} --old-parts none --paid 0 --pay-way none", "delivered", says=("known",)),
)

REOPENED: Branch = (
    *REPAIRED,
    Line(
        "front",
        "follow-up {ticket} --channel phone --reached --fault not-gone --score 2 --words 'empty again'",
        "registered",
        says=("open again",),
    ),
    Line("front", "close {ticket} --how completed", "registered", 1),
    Line("front", "follow-up {ticket} --channel phone", "registered", 1),
    *again("it came back"),
    Line("front", "warranty {ticket} --papers both --sold {bought}", "diagnosing"),
    Line("tech", "diagnosis {ticket} --decision cause-found --cause other --words lint --why seen", "diagnosing"),
    Line("tech", "plan {ticket} --repairs clean-mesh --promised {later}", "waiting for the customer"),
    Line("front", AGREES, "in repair"),
    Line("tech", "repair {ticket} --remedies clean-mesh --remedy cleaned", "self-check due"),
    *CHECKED,
    Line("qc", "release {ticket}", "ready"),
    Line("front", f"{HANDS_BACK} --old-parts none --paid 0 --pay-way none", "delivered"),
    Line("front", "follow-up {ticket} --channel phone --reached --fault gone --score 4", "delivered"),
    Line("front", "close {ticket} --how completed", "closed"),
)

GRIEVANCE: Branch = (
    *REPAIRED,
    Line("front", "grievance {ticket} --act open --channel 12315 --words 'took a week' --level 2", "grievance open"),
    Line("chen", "forget {ticket} --request customer --sure", "grievance open", 1),
    Line("front", "close {ticket} --how completed", "grievance open", 1),
    Line("front", "grievance {ticket} --act answer --channel phone --words 'sorry'", "grievance open"),
    Line("chen", "grievance {ticket} --act close --channel phone --words agreed --remedy 'a free film'", "delivered"),
    Line("chen", "forget {ticket} --request customer --sure", "closed"),
    Line("front", "follow-up {ticket} --channel phone", "closed", 1),
)

CHANGED_PLAN: Branch = (
    *taken_in(code=1),
    WORN,
    PLAN,
    YES,
    Line("store", "stock add BAT-EX-1 --part battery --batch LOT-7"),
    Line(
        "store",
        "reserve {ticket}",
        "in repair",
    ),
    Line(
        "tech",
        "plan {ticket} --repairs 'replace-battery;BAT-EX-1' --repairs clean-mesh --promised {later}",
        "waiting for the customer",
    ),
    Line("store", "reserve {ticket}", "waiting for the customer", 1),
    Line("tech", "part {ticket} --number BAT-EX-1 --genuine maker --old-part shop", "waiting for the customer", 1),
    Line(
        "front",
        f"{AGREES} --confirmed water-seal --confirmed warranty --plan {{reserve}}",
        "waiting for the customer",
        1,
        ("newest",),
    ),
    Line("front", f"{AGREES} --confirmed water-seal --confirmed warranty --plan {{plan}}", "in repair"),
    Line("tech", "consent {ticket} --decision return-unrepaired --way in-person --witness chen", "ready"),
    Line("front", UNREPAIRED, "returned unrepaired"),
)

WRONG_PHONE: Branch = (
    Line("front", ASKS, "registered"),
    Line("front", ASKS, code=1, says=("{ticket}",)),
    Line("front", "intake {ticket} --device {other_device}", "registered", 1, ("does not have the IMEI",)),
    Line("front", "intake {ticket} --device {device} --accessories charger --data-notice --test-consent"),
    Line("front", "sign {ticket}", "received"),
    Line("front", "intake --imei {imei} --model X --complaint y", "received", 1, ("{ticket}",)),
    Line("front", f"{LOOKS} {{ticket}} --device {{imei}} --tray {{other}}", "received", 1, ("different phones",)),
    Line("front", f"{LOOKS} {{ticket}} --device {{imei}}", "received"),
    Line("front", f"{CONFIRMS} --way typed --name 王芳", "received"),
    Line(
        "tech",
        "run --device {other_device} --checklist {checklist} --ticket {ticket} --stage intake",
        "received",
        1,
        ("is not the one of",),
    ),
    *run("tech", "intake", "diagnosing"),
    *CHECKED,
    Line("qc", "release {ticket}", "ready"),
    Line(
        "front",
        HANDS_BACK.replace("{imei}", "{other}") + " --old-parts none --paid 0 --pay-way none",
        "ready",
        1,
        ("not",),
    ),
    Line("front", HANDS_BACK.replace("王芳", "李四") + " --old-parts none --paid 0 --pay-way none", "ready", 1),
    Line("front", f"{HANDS_BACK} --old-parts none --paid 0 --pay-way none", "delivered"),
)
