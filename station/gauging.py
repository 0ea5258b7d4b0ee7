"""The engine's side of the reference store and of repeatability studies: what the commands ask for, done in the store.

Stands on the store, the runs and the roster. It knows no socket and no screen.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from sqlite_utils import Database

from checklists.reference.policy import shipped_policy
from checklists.reference.table import ReferenceTable
from checklists.schema import Checklist
from drivers.api import Side
from drivers.text import Words, safe_text
from reports.attest import key_id, open_envelope, verify_signature
from reports.record import RecordError
from reports.roster import Roster
from station import messages as m
from station import reference, study
from station.errors import EXIT_NO, EXIT_USE, Trouble
from station.events import DeviceSeen
from station.session import Run, Session
from station.settings import Settings
from station.store import Store

__all__ = ["Gauging"]

#: How `reference.Handed` names head office, which signs with its own key and is no person of the shop.
HEAD_OFFICE = ""


class Gauging:
    """Reference phones and studies of one station.

    Args:
        find_run: a run and its session by id.
        roster: the people of the station, inside a transaction.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        find_run: Callable[[str], Awaitable[tuple[Session, Run]]],
        roster: Callable[[Database], Roster],
    ) -> None:
        self._settings, self._store, self._find_run, self._roster = settings, store, find_run, roster
        self._known: dict[str, list[reference.Reading]] = {}

    async def table(self, seen: DeviceSeen, checklist: Checklist) -> ReferenceTable:
        """What a run of the checklist on that phone is compared with; simulated phones with simulated ones alone."""
        model = reference.model_key(seen.manufacturer, seen.model)
        if model not in self._known:
            self._known[model] = await self._store.read(lambda db: reference.live(db, model))
        readings = [one for one in self._known[model] if one.simulated is seen.simulated]
        return reference.table_of(readings, shipped_policy(), self._place(), model, checklist)

    def _place(self) -> reference.Place:
        return reference.Place(self._settings.shop, self._settings.fixture)

    async def do(self, command: m.Gauged) -> dict[str, Any]:
        """Do what a command asks.

        Raises:
            Trouble: the person is unknown, the run is not fit, the file is not to be trusted, the plan is none.
        """
        try:
            match command:
                case m.TakeReference():
                    return await self._take(command)
                case m.DropReference():
                    return await self._drop(command)
                case m.ReferenceQuery():
                    return await self._store.read(lambda db: _shown(db, command.model))
                case m.ExportReference():
                    return await self._export(command)
                case m.ImportReference():
                    return await self._import(command)
                case m.NewStudy():
                    return await self._new_study(command)
                case m.AddToStudy():
                    return await self._add_to_study(command)
                case m.StudyQuery():
                    return await self._store.read(lambda db: _study(db, command.study))
        except study.Refused as refused:
            raise Trouble("study.refused", refused.words, Side.PERSON, _LOOK_AT_PLAN, EXIT_USE) from refused
        except RecordError as error:
            raise Trouble(
                "reference.file", _BAD_FILE.fill(why=error.words), Side.PERSON, _ASK_AGAIN, EXIT_NO
            ) from error

    # --- reference phones

    async def _take(self, command: m.TakeReference) -> dict[str, Any]:
        session, run = await self._find_run(command.run)
        _must_be_over(run)
        if session.ticket and run.record is None:
            raise Trouble("reference.not-sealed", _NOT_SEALED.fill(run=run.id), Side.PERSON, _SEAL_FIRST, EXIT_NO)
        fixture = self._settings.fixture if command.fixture is None else safe_text(command.fixture, 200)
        person, note = safe_text(command.person, 200), safe_text(command.note, 400)

        def work(db: Database) -> dict[str, Any]:
            self._must_know(db, person)
            device = reference.device_code(db, run.opened.device)
            shop, station = self._settings.shop, self._settings.station
            readings = list(reference.readings_of(run, shop, station, fixture, device))
            if not readings:
                raise Trouble("reference.nothing", _NOTHING.fill(run=run.id), Side.PERSON, _GOOD_PHONE, EXIT_NO)
            action = "take" if session.ticket else "add"
            taken = reference.add(db, reference.Change(action, person, note or run.id), readings)
            return asdict(taken) | {"model": readings[0].model, "device": device, "left_out": _left_out(run)}

        return await self._write(work)

    async def _drop(self, command: m.DropReference) -> dict[str, Any]:
        named = {"model": command.model, "check_id": command.check, "measure": command.measure}
        named |= {"device": command.phone, "run": command.run, "fixture": command.fixture}
        where = {column: value for column, value in named.items() if value}
        person, why = safe_text(command.person, 200), safe_text(command.reason, 400)
        if not where or not why.strip():
            raise Trouble("reference.drop", _DROP_WHAT, Side.PERSON, _NAME_IT, EXIT_USE)

        def work(db: Database) -> dict[str, Any]:
            self._must_know(db, person)
            return {"struck": reference.strike(db, reference.Change("drop", person, why), where)}

        return await self._write(work)

    async def _export(self, command: m.ExportReference) -> dict[str, Any]:
        def work(db: Database) -> bytes:
            if command.person != HEAD_OFFICE:
                self._must_know(db, command.person)
            every = [one for one in reference.live(db) if not command.models or one.model in command.models]
            if not every:
                raise Trouble("reference.none", _NONE, Side.PERSON, _LIST, EXIT_USE)
            handed = reference.Handed(
                shop=self._settings.shop,
                station=self._settings.station,
                person=command.person,
                made_ms=_now_ms(),
                readings=tuple(every),
            )
            return reference.handed_payload(handed)

        payload = await self._store.read(work)
        return {"payload": base64.b64encode(payload).decode()}

    async def _import(self, command: m.ImportReference) -> dict[str, Any]:
        person = safe_text(command.person, 200)
        try:
            envelope = open_envelope(base64.b64decode(command.envelope, validate=True))
        except binascii.Error as error:
            raise Trouble("reference.file", _NO_FILE, Side.PERSON, _ASK_AGAIN, EXIT_NO) from error
        handed = reference.read_handed(envelope.payload)

        def work(db: Database) -> dict[str, Any]:
            self._must_know(db, person)
            public, who = self._signer(self._roster(db), handed, [one.key_id for one in envelope.signatures])
            for one in envelope.signatures:
                verify_signature(public, envelope.payload, one.signature)
            note = f"{handed.shop}/{handed.station} {who} {envelope.digest[:16]}"
            return asdict(reference.add(db, reference.Change("import", person, note), handed.readings)) | {
                "signer": who
            }

        return await self._write(work)

    def _signer(self, roster: Roster, handed: reference.Handed, keys: list[str]) -> tuple[bytes, str]:
        """The public key that signed the file, and whose it is: the pinned head office, or a person of this station.

        Raises:
            Trouble: nobody whom this station knows.
        """
        head_office = bytes.fromhex(self._settings.head_office_key)
        if handed.person == HEAD_OFFICE and head_office and keys == [key_id(head_office)]:
            return head_office, "head-office"
        key = roster.keys.get(keys[0]) if len(keys) == 1 else None
        alive = key is not None and key.kind == "person" and key.since_ms <= handed.made_ms and key.end is None
        if key is None or not alive or key.holder != handed.person:
            raise Trouble("reference.signer", _STRANGER, Side.PERSON, _KNOWN_SIGNER, EXIT_NO)
        return key.public, key.holder

    # --- studies

    async def _new_study(self, command: m.NewStudy) -> dict[str, Any]:
        person = safe_text(command.person, 200)
        plan = study.Plan(
            id=command.study,
            checklist=command.checklist,
            checks=tuple(dict.fromkeys(command.checks)),
            people=tuple(dict.fromkeys(command.people)),
            units=command.units,
            repeats=command.repeats,
            note=safe_text(command.note, 400),
        )

        def work(db: Database) -> dict[str, Any]:
            for each in (person, *plan.people):
                self._must_know(db, each)
            study.make(db, plan, person)
            return asdict(plan)

        return await self._write(work)

    async def _add_to_study(self, command: m.AddToStudy) -> dict[str, Any]:
        session, run = await self._find_run(command.run)
        _must_be_over(run)
        if session.ticket and run.record is None:
            raise Trouble("reference.not-sealed", _NOT_SEALED.fill(run=run.id), Side.PERSON, _SEAL_FIRST, EXIT_NO)
        person = safe_text(command.person, 200)

        def work(db: Database) -> dict[str, Any]:
            self._must_know(db, person)
            plan = _plan(db, command.study)
            unit = safe_text(command.unit, 60) or reference.device_code(db, run.opened.device)[:8]
            return {"added": study.add_run(db, plan, run, unit, person), "unit": unit}

        return await self._write(work)

    # --- parts

    async def _write(self, work: Callable[[Database], dict[str, Any]]) -> dict[str, Any]:
        try:
            return await self._store.write(work)
        finally:
            self._known.clear()

    def _must_know(self, db: Database, person: str) -> None:
        if person not in self._roster(db).persons:
            raise Trouble("person.unknown", _WHO.fill(person=person), Side.PERSON, _ENROL, EXIT_USE)


def _must_be_over(run: Run) -> None:
    if run.active or run.open_attempts:
        raise Trouble("run.active", _GOING_ON.fill(run=run.id), Side.PERSON, _WAIT, EXIT_NO)


def _left_out(run: Run) -> list[str]:
    """The checks of the run that gave no reading: failed, or not run to their end."""
    latest = {attempt.check: attempt for attempt in run.attempts}
    good = {reading.check_id for reading in reference.readings_of(run, "", "", "", "")}
    return [check for check, attempt in latest.items() if check not in good and attempt.measured]


def _shown(db: Database, model: str) -> dict[str, Any]:
    if not model:
        return {"models": reference.model_rows(reference.live(db)), "changes": reference.change_rows(db)}
    wanted = " ".join(model.casefold().split())
    names = {one["model"] for one in reference.model_rows(reference.live(db))}
    found = [name for name in sorted(names) if wanted in (name, name.split("/", 1)[1])] or [
        name for name in sorted(names) if wanted in name
    ]
    if len(found) != 1:
        what = _WHICH.fill(model=model, names=", ".join(found) or "–")
        raise Trouble("reference.model", what, Side.PERSON, _LIST, EXIT_USE)
    readings = reference.live(db, found[0])
    rows = reference.measure_rows(readings, shipped_policy())
    return {"model": found[0], "measures": rows, "readings": [_reading(one) for one in readings]}


def _reading(one: reference.Reading) -> dict[str, Any]:
    return one.model_dump() | {"value": f"{one.value:f}", "id": one.id}


def _plan(db: Database, name: str) -> study.Plan:
    plan = study.plan_of(db, name)
    if plan is None:
        raise Trouble("study.unknown", _NO_STUDY.fill(study=name), Side.PERSON, _LIST_STUDIES, EXIT_USE)
    return plan


def _study(db: Database, name: str) -> dict[str, Any]:
    if not name:
        return {"studies": study.plans(db)}
    plan = _plan(db, name)
    return {"plan": asdict(plan), "runs": study.runs_of(db, name), "checks": study.figures(db, plan)}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


_LOOK_AT_PLAN = Words("`assay study show` says what the plan is", "请用 `assay study show` 查看计划")
_BAD_FILE = Words("The file of reference readings is refused: {why}", "参考读数文件被拒绝：{why}")
_NO_FILE = Words("This is no file of reference readings", "这不是参考读数文件")
_ASK_AGAIN = Words("Ask whoever handed it out for the file again", "请向提供方重新索取该文件")
_STRANGER = Words("The file is signed by nobody whom this station knows", "该文件的签名人不为本工位所知")
_KNOWN_SIGNER = Words(
    "It must be signed by head office, or by a person enrolled here", "须由总部或在本工位登记的人员签署"
)
_NOT_SEALED = Words("{run} is not sealed yet", "{run} 尚未封存")
_SEAL_FIRST = Words("Finish and seal it first", "请先完成并封存")
_NOTHING = Words("{run} measured no number in a check that did not fail", "{run} 没有来自合格检测项的数值")
_GOOD_PHONE = Words("Take a run of a phone that is known to be good", "请使用已知良好手机的检测")
_DROP_WHAT = Words("Say what shall not count any more, and why", "请说明哪些读数不再计入及其原因")
_NAME_IT = Words(
    "Name at least a model, a check, a phone or a run, and give a reason",
    "至少指定机型、检测项、手机或检测之一，并填写原因",
)
_NONE = Words("There are no such reference readings", "没有相应的参考读数")
_LIST = Words("`assay reference list` shows what there is", "请用 `assay reference list` 查看")
_WHICH = Words("{model} does not name one model: {names}", "{model} 未能对应唯一机型：{names}")
_NO_STUDY = Words("There is no study {study}", "没有名为 {study} 的重复性研究")
_LIST_STUDIES = Words("`assay study show` lists them", "请用 `assay study show` 查看")
_WHO = Words("{person} is not enrolled on this station", "本工位未登记人员 {person}")
_ENROL = Words("`assay person list` shows who is", "请用 `assay person list` 查看")
_GOING_ON = Words("{run} is going on", "{run} 正在进行")
_WAIT = Words("Wait until it is done, or stop it", "请等待完成，或先停止")
