"""The repair: the manual's steps in order, wrist strap, screws and seals, and what the phone says after a new system.

Only inside of a consented plan, and only its repairs; every planned part of what was done must be fitted. An exchanged
board changes the phone's identity: the record binds old and new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Key

from drivers.api import Side
from drivers.text import Words
from reports.agreement import agreement, fitted
from reports.attest import Record
from reports.predicates import (
    EsdV1,
    IdentityV1,
    ManualStepV1,
    PlanV1,
    RepairV1,
    RunV1,
    SystemCheckV1,
)
from reports.record import RecordError, quantity
from reports.replay import latest_attempts
from station.errors import EXIT_NO, Trouble
from station.events import Body
from station.plans import PlanPolicy, plan_policy
from station.steps.api import Case, Choice, Field, Filled, Made, Step, not_now, phone_changed, wrong
from station.tickets import check_imei

__all__ = ["STEPS"]

#: The kind of part whose exchange gives the phone another identity.
BOARD = "mainboard"


def _possible(case: Case) -> Words | None:
    return None if agreement(case.records).agreed else _NOT_AGREED


def _planned_repairs(case: Case) -> str:
    plan = agreement(case.records).agreed
    return " ".join(plan.remedies) if plan else ""


def _planned_steps(case: Case) -> list[dict[str, str]]:
    plan = agreement(case.records).agreed
    steps = plan.manual.steps if plan and plan.manual else ()
    return [{"step": str(n), "what": text} for n, text in enumerate(steps, 1)]


def _repair(case: Case, form: Filled) -> Made:
    from checklists.diagnosis.load import shipped_policy

    found = agreement(case.records)
    if found.agreed is None:
        raise not_now("repair.no-consent", _NOT_AGREED, _ASK)
    plan, policy = found.agreed, plan_policy(case.policy)
    known = {repair.id: repair for repair in shipped_policy().repairs}
    done = _done(form, plan)
    _must_have_its_parts(case, plan, done)
    opened = any("water-seal" in known[one].risks for one in done if one in known)
    identities, events = _new_identities(case, form, plan, done)
    system = _system(case, found.consent_digest) if set(done) & set(policy.reinstalls) else None
    predicate = RepairV1(
        **case.common,
        person=case.person,
        remedy=case.redact(form["remedy"])
        or "; ".join(" / ".join(known[one].name.words) for one in done if one in known),
        remedies=done,
        new_phone=identities[0].value if identities else None,
        ended_ms=case.now_ms,
        plan=found.digest,
        steps=_steps(case, form, plan),
        esd=_esd(form, policy, opened),
        screws_out=form["screws_out"],
        screws_in=_screws(form, opened),
        sealed=_sealed(form, plan, opened),
        system=system,
        new_identities=identities,
    )
    return Made(predicate, says=tuple(_says(predicate)), events=events)


def _done(form: Filled, plan: PlanV1) -> tuple[str, ...]:
    done = tuple(dict.fromkeys(form["remedies"].replace("，", ",").replace(",", " ").split()))
    if foreign := [one for one in done if one not in plan.remedies]:
        raise not_now("repair.unplanned", _UNPLANNED.fill(repairs=", ".join(foreign)), _NEW_PLAN)
    return done


def _must_have_its_parts(case: Case, plan: PlanV1, done: Sequence[str]) -> None:
    there = fitted(case.records)
    for part in plan.parts:
        if part.remedy in done and there.get(part.number, 0) < part.quantity:
            raise not_now("repair.part", _NOT_FITTED.fill(number=part.number), _FIT_IT)


# --- the manual ------------------------------------------------------------------------------------------------------


def _steps(case: Case, form: Filled, plan: PlanV1) -> tuple[ManualStepV1, ...]:
    """Every step of the plan's manual, in its order; what was left out says why."""
    texts, rows = plan.manual.steps if plan.manual else (), form["steps"]
    if [row["step"] for row in rows] != list(range(1, len(texts) + 1)):
        told = " ".join(str(row["step"]) for row in rows) or "-"
        raise wrong("repair.steps", _ORDER.fill(told=told, n=len(texts)), _ALL_STEPS)
    found = []
    for text, row in zip(texts, rows, strict=True):
        if not row["done"] and not row["note"]:
            raise wrong("repair.step", _LEFT_OUT.fill(n=row["step"], text=text), _ALL_STEPS)
        found.append(ManualStepV1(text=text, done=row["done"], note=case.redact(row["note"])))
    return tuple(found)


def _esd(form: Filled, policy: PlanPolicy, opened: bool) -> EsdV1 | None:
    """The wrist-strap test in megohm; nothing is opened without a good one."""
    typed = form["esd"].replace("，", ".").strip()
    if not typed:
        if opened:
            raise wrong("repair.esd", _NO_ESD, _TEST_STRAP)
        return None
    try:
        value = Decimal(typed)
        told = quantity(value, "MOhm")
        least, most = (quantity(one, "MOhm") for one in (policy.esd_least_megohm, policy.esd_most_megohm))
    except (InvalidOperation, RecordError) as error:
        raise wrong("repair.esd", _ESD_NUMBER.fill(typed=typed), _TEST_STRAP) from error
    if not 0 < value <= policy.esd_most_megohm:
        raise not_now("repair.esd", _ESD_BAD.fill(value=typed, most=policy.esd_most_megohm), _MEND_STRAP)
    if value < policy.esd_least_megohm:
        raise not_now("repair.esd", _ESD_SHORT.fill(value=typed, least=policy.esd_least_megohm), _MEND_STRAP)
    return EsdV1(resistance=told, least=least, most=most, source=policy.esd_source)


def _screws(form: Filled, opened: bool) -> int | None:
    out, back = form["screws_out"], form["screws_in"]
    if opened and (out is None or back is None):
        raise wrong("repair.screws", _NO_SCREWS, _COUNT)
    if out != back and not form["remedy"]:
        raise wrong("repair.screws", _SCREWS.fill(out=out, back=back), _SAY_SCREWS)
    return int(back) if back is not None else None


def _sealed(form: Filled, plan: PlanV1, opened: bool) -> tuple[Any, ...]:
    sealing = {"tape", "water-seal"} & set(form["sealed"])
    if opened and not sealing and not form["remedy"]:
        raise wrong("repair.seal", _NO_SEAL, _SAY_SEAL)
    return tuple(form["sealed"])


# --- another identity ------------------------------------------------------------------------------------------------


def _new_identities(
    case: Case, form: Filled, plan: PlanV1, done: Sequence[str]
) -> tuple[tuple[IdentityV1, ...], tuple[Body, ...]]:
    """The identities after a board was exchanged, the one that stands for the phone first."""
    swapped = any(part.part == BOARD and part.remedy in done for part in plan.parts)
    imei = check_imei(form["new_imei"]) if form["new_imei"] else ""
    serial = form["new_serial"]
    if not (imei or serial):
        if swapped:
            raise wrong("repair.identity", _NO_IDENTITY, _SCAN)
        return (), ()
    if not swapped:
        raise not_now("repair.identity", _SAME_BOARD, _NEW_PLAN)
    return phone_changed(case, imei, serial)


# --- the system ------------------------------------------------------------------------------------------------------


class _Builds(BaseModel):
    """DATA/policy/builds.toml: the maker's builds, by model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Key(min_length=1, max_length=200)
    model: tuple[_Model, ...] = ()


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    builds: tuple[str, ...]


def _system(case: Case, consent: str) -> SystemCheckV1:
    """What the newest run since the consent says of the system; anything but the maker's own and locked is refused."""
    record, run = _run_since(case, consent)
    builds = _builds(case.policy)
    listed = [one.builds for one in builds.model if one.name.casefold() == run.device.model.casefold()]
    if not listed:
        raise not_now("repair.no-builds", _NO_BUILDS.fill(model=run.device.model), _LIST_BUILDS)
    if not any(run.device.build in one for one in listed):
        raise not_now("repair.build", _OTHER_BUILD.fill(build=run.device.build or "-"), _INSTALL_AGAIN)
    boot, locked = _said(run, "verified_boot"), _said(run, "bootloader_locked")
    if boot is None:
        raise not_now("repair.boot-unread", _BOOT_UNREAD, _RUN_AGAIN)
    if boot != "green" or locked is False:
        what = _BOOTS.get(str(boot), _UNLOCKED)
        raise not_now("repair.unlocked", what.fill(state=boot), _LOCK if what is _UNLOCKED else _INSTALL_AGAIN)
    return SystemCheckV1(
        run=record.digest, build=run.device.build, verified_boot=str(boot), list_version=builds.version
    )


def _run_since(case: Case, consent: str) -> tuple[Record, RunV1]:
    digests = [record.digest for record in case.records]
    since = case.records[digests.index(consent) :]
    runs = [
        (record, run)
        for record in since
        if isinstance(run := record.statement.predicate, RunV1) and record.digest not in case.amended
    ]
    if not runs:
        raise not_now("repair.no-run", _NO_RUN, _RUN_AGAIN)
    return runs[-1]


def _said(run: RunV1, name: str) -> object:
    """The last value of a measurement in a run, None where it was not read."""
    values = [
        one.value for attempt in latest_attempts(run).values() for one in attempt.measurements if one.name == name
    ]
    return values[-1] if values else None


def _builds(policy: Mapping[str, Mapping[str, Any]]) -> _Builds:
    try:
        return _Builds.model_validate(policy.get("builds", {"version": "-"}))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "-"
        what = _BAD_BUILDS.fill(where=where, why=first["msg"])
        raise Trouble("builds.unusable", what, Side.BENCH, _LIST_BUILDS, EXIT_NO) from error


def _says(made: RepairV1) -> list[Words]:
    said = [_DONE.fill(remedy=made.remedy or "-")]
    said += [_SKIPPED.fill(text=step.text, why=step.note) for step in made.steps if not step.done]
    if made.screws_out != made.screws_in:
        said.append(_SCREWS.fill(out=made.screws_out, back=made.screws_in))
    if made.system:
        said.append(_SYSTEM.fill(build=made.system.build, state=made.system.verified_boot))
    if made.new_phone:
        said.append(_NEW_IDENTITY)
    return said


_NOT_AGREED = Words("The customer has not agreed to the newest plan", "客户尚未同意最新方案")
_ASK = Words("Ask the customer first: `assay consent`", "请先取得客户确认：`assay consent`")
_UNPLANNED = Words("Not in the plan that the customer agreed to: {repairs}", "不在客户同意的方案中：{repairs}")
_NEW_PLAN = Words("Any change needs a new plan and a new consent", "任何变更须重新制定方案并取得确认")
_NOT_FITTED = Words("{number} is planned and was not fitted", "方案中的 {number} 尚未装机")
_FIT_IT = Words("Fit it with `assay part`, or leave its repair out", "请用 `assay part` 登记装机，或不填该维修项目")
_ORDER = Words(
    "The manual has the steps 1 to {n}, in this order; filled in: {told}",
    "手册步骤为 1 至 {n}，须按顺序；填写为 {told}",
)
_LEFT_OUT = Words("Step {n} was not done: {text}", "第 {n} 步未完成：{text}")
_ALL_STEPS = Words("Tick every step in order, or say in its note why not", "请按顺序勾选每一步，或在备注中说明原因")
_NO_ESD = Words("The phone was opened: the wrist-strap test is missing", "已拆机：缺少防静电手环测试值")
_ESD_NUMBER = Words("{typed} is not a resistance in megohm", "{typed} 不是以兆欧计的电阻值")
_ESD_BAD = Words("Wrist strap: {value} megohm, at most {most} may be", "手环电阻 {value} 兆欧，应不大于 {most}")
_ESD_SHORT = Words(
    "Wrist strap: {value} megohm, at least {least} must be: its safety resistor is bridged",
    "手环电阻 {value} 兆欧，应不小于 {least}：安全电阻已被短接",
)
_TEST_STRAP = Words("Test the wrist strap and write its megohm down", "请测试防静电手环并填写兆欧值")
_MEND_STRAP = Words("Repair or change the strap before the phone is touched", "请修复或更换手环后再作业")
_NO_SCREWS = Words("The phone was opened: count the screws out and in", "已拆机：请填写拆下和装回的螺丝数")
_SCREWS = Words("{out} screws came out and {back} went in", "拆下 {out} 颗螺丝，装回 {back} 颗")
_COUNT = Words("Write both counts down", "请填写两个数量")
_SAY_SCREWS = Words("Find the screw, or say in `remedy` why the counts differ", "请找到螺丝，或在 `remedy` 中说明原因")
_NO_SEAL = Words("The phone was opened and neither tape nor seal was renewed", "已拆机，但胶条和密封均未更换")
_SAY_SEAL = Words("Renew it, or say in `remedy` why not", "请更换，或在 `remedy` 中说明原因")
_NO_IDENTITY = Words("The board was exchanged: the new IMEI or serial is needed", "已更换主板：须登记新 IMEI 或序列号")
_SCAN = Words("Dial *#06# or scan the label", "请拨 *#06# 或扫描标签")
_SAME_BOARD = Words("No board was exchanged: the phone keeps its identity", "未更换主板：手机身份不变")
_NO_RUN = Words("The system was installed again and no run looked at it since", "重刷系统后尚未检测")
_RUN_AGAIN = Words("Run a checklist with the system's integrity first", "请先执行含系统完整性的检测")
_NO_BUILDS = Words("There is no list of the maker's builds for {model}", "没有 {model} 的官方版本清单")
_BAD_BUILDS = Words(
    "The policy file builds.toml can't be used: {where}: {why}",
    "政策文件 builds.toml 无法使用：{where}：{why}",
)
_LIST_BUILDS = Words("Put it into DATA/policy/builds.toml", "请写入 DATA/policy/builds.toml")
_OTHER_BUILD = Words("The build {build} is not in the maker's list", "版本 {build} 不在官方清单中")
_INSTALL_AGAIN = Words("Install a build of the list, run again", "请刷入清单中的版本后重新检测")
_BOOT_UNREAD = Words("Verified boot was not read", "未读取启动验证状态")
_UNLOCKED = Words("The bootloader is not locked (verified boot: {state})", "引导程序未上锁（启动验证：{state}）")
#: What verified boot says beside `orange`, which is an unlocked bootloader (AOSP, verified boot flow).
_BOOTS = {
    "yellow": Words(
        "The system is signed with somebody else's key (verified boot: {state})",
        "系统使用非厂商密钥签名（启动验证：{state}）",
    ),
    "red": Words(
        "The system does not pass its own verification (verified boot: {state})", "系统未通过启动验证（{state}）"
    ),
}
_LOCK = Words("Lock it again, then run again", "请重新上锁后再检测")
_DONE = Words("Done: {remedy}", "已完成：{remedy}")
_SKIPPED = Words("Left out: {text} ({why})", "未做：{text}（{why}）")
_SYSTEM = Words("System: {build}, verified boot {state}", "系统：{build}，启动验证 {state}")
_NEW_IDENTITY = Words("The phone has another identity from now on", "手机身份自此变更")

STEPS = (
    Step(
        id="repair",
        kind="repair/v1",
        place=520,
        title=Words("repair", "维修"),
        about=Words(
            "what was done, by the manual's steps; only inside of the consented plan",
            "按手册步骤记录维修；须在客户同意的方案内",
        ),
        roles=("technician",),
        possible=_possible,
        make=_repair,
        fields=(
            Field(
                "remedies",
                Words("repairs that were done", "已完成的维修项目"),
                required=True,
                most=2000,
                help=Words("their ids, parted by spaces", "编号，以空格分隔"),
                given=_planned_repairs,
            ),
            Field("remedy", Words("in words", "说明"), "long", most=4000),
            Field(
                "steps",
                Words("steps of the manual", "手册步骤"),
                "rows",
                most=200,
                given=_planned_steps,
                columns=(
                    Field("step", Words("step", "步骤"), "count", required=True),
                    Field("done", Words("done", "完成"), "tick"),
                    Field("note", Words("why not", "未做原因")),
                    Field("what", Words("what", "内容"), most=2000),
                ),
            ),
            Field("esd", Words("wrist strap, megohm", "防静电手环（兆欧）"), most=20),
            Field("screws_out", Words("screws taken out", "拆下螺丝数"), "count"),
            Field("screws_in", Words("screws put back", "装回螺丝数"), "count"),
            Field(
                "sealed",
                Words("renewed", "已更换"),
                "choices",
                choices=(
                    Choice("tape", Words("tape", "胶条")),
                    Choice("water-seal", Words("water seal", "防水密封")),
                    Choice("screw-seal", Words("screw seal", "螺丝标")),
                ),
            ),
            Field("new_imei", Words("new IMEI", "新 IMEI"), most=40),
            Field("new_serial", Words("new serial", "新序列号"), most=100),
        ),
    ),
)
