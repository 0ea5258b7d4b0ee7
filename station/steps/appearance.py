"""The appearance record (外观记录): six faces, seals and signs of earlier repair, what came along, whose phone it is.

The phone's identity is read at four places: ticket, device, box and tray; where two differ nothing is recorded. A phone
that was sent in is unpacked before a camera. A later appearance record stands in for the one before, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from drivers.text import Words
from reports.predicates import EvidenceRef
from reports.steps.appearance import FACES, AccessoryV1, AppearanceV1, Face, FaceV1, MarkV1, SightV1, UnpackingV1
from reports.steps.registration import RegistrationV1
from station.counter.inputs import Files, no_passcode, plain_text, written
from station.counter.policy import counter_policy
from station.counter.sights import PLACES, Known, Place, Sight, differing, read_label
from station.steps.api import Case, Choice, Field, Filled, Made, Step, grouped, not_now, wrong
from station.tickets import identities

__all__ = ["STEPS", "appearance_lines"]

_FACES: dict[Face, Words] = {
    "front": Words("front", "正面"),
    "back": Words("back", "背面"),
    "left": Words("left side", "左侧"),
    "right": Words("right side", "右侧"),
    "top": Words("top", "顶部"),
    "bottom": Words("bottom", "底部"),
}
_MARKS = {
    "scratch": Words("scratch", "划痕"),
    "dent": Words("dent", "磕碰"),
    "crack": Words("crack", "裂纹"),
    "chip": Words("chip", "缺角"),
    "bend": Words("bend", "弯曲"),
    "stain": Words("stain", "污渍"),
    "wear": Words("wear", "磨损"),
    "missing": Words("missing part", "缺件"),
    "other": Words("other", "其他"),
}
_SIZES = {
    "small": Words("small, below 3 mm", "小，3 毫米以内"),
    "medium": Words("medium, to 10 mm", "中，10 毫米以内"),
    "large": Words("large, above 10 mm", "大，10 毫米以上"),
}
_LIQUID = {
    "dry": Words("dry", "正常（未变色）"),
    "triggered": Words("triggered", "已变色"),
    "missing": Words("missing", "缺失"),
    "not-visible": Words("not visible from outside", "外部不可见"),
}
_SCREWS = {
    "untouched": Words("untouched", "未拆动"),
    "tool-marks": Words("tool marks", "有工具痕迹"),
    "missing": Words("screw missing", "螺丝缺失"),
    "seal-broken": Words("seal broken", "螺丝标破损"),
    "not-visible": Words("not visible from outside", "外部不可见"),
}
_OPENED = {
    "glue": Words("glue that is not the maker's", "非原厂胶"),
    "gap": Words("gap at the frame", "边框缝隙"),
    "pry-marks": Words("pry marks", "撬痕"),
    "foreign-part": Words("part that is not the maker's", "非原厂部件"),
    "broken-seal": Words("broken seal", "封签破损"),
    "label-moved": Words("label moved or replaced", "标签移位或更换"),
}
_LEFT_IN = {
    "sim": Words("SIM", "SIM 卡"),
    "second-sim": Words("second SIM", "第二张 SIM 卡"),
    "memory-card": Words("memory card", "存储卡"),
    "case": Words("case", "保护壳"),
    "film": Words("film", "贴膜"),
}
_POWERS = {
    "yes": Words("switches on", "可开机"),
    "no": Words("does not switch on", "不开机"),
    "not-tried": Words("not tried", "未试"),
}
_LOCK = {
    "none": Words("no screen lock", "无锁屏"),
    "locked": Words("locked", "已锁屏"),
    "owner-unlocks": Words("the owner unlocks it when needed", "需要时由机主解锁"),
    "not-visible": Words("not visible", "无法查看"),
}
_SEALS = {
    "intact": Words("intact", "完好"),
    "broken": Words("broken", "破损"),
    "none": Words("none", "无封签"),
}


def _appear(case: Case, form: Filled) -> Made:
    intake = case.newest("intake")
    assert intake is not None  # noqa: S101 - asked by `possible`
    before, registration = case.newest("appearance"), case.newest("registration")
    if before is not None and not form["reason"]:
        raise wrong("appearance.reason", _SAY_WHY, _NEWER)
    no_passcode(form["note"], form["reason"], *(row["note"] for row in form["marks"]))
    sights = _same_phone(case, form)
    redactor, files = written(case, [sight.value for sight in sights]), Files(case)
    predicate = AppearanceV1(
        **case.common,
        person=case.person,
        intake=intake.digest,
        registration=registration.digest if registration else None,
        replaces=before.digest if before else None,
        reason=redactor.text(case.redact(form["reason"]), 2000),
        faces=_faces(case, form, files),
        liquid=form["liquid"],
        screws=form["screws"],
        opened=form["opened"],
        accessories=tuple(_accessory(case, row) for row in form["accessories"]),
        left_in=form["left_in"],
        powers_on={"yes": True, "no": False}.get(form["powers_on"]),
        lock=form["lock"],
        identity=tuple(_sight(case, place, sights) for place in PLACES),
        unpacking=_unpacking(case, form, files),
        note=redactor.text(case.redact(form["note"]), 2000),
    )
    waybill = {"waybill": plain_text(form["waybill"])} if form["waybill"] else {}
    return Made(predicate, says=tuple(appearance_lines(predicate)), personal=waybill, keep=tuple(files.kept))


def _possible(case: Case) -> Words | None:
    return None if case.newest("intake") else _NO_INTAKE


# --- faces and accessories -------------------------------------------------------------------------------------------


def _faces(case: Case, form: Filled, files: Files) -> tuple[FaceV1, ...]:
    unseen = [face for face in FACES if face not in form["faces"]]
    if unseen:
        raise wrong("appearance.faces", _NOT_LOOKED_AT.fill(faces=_list([_FACES[face] for face in unseen])), _LOOK)
    marked = {row["face"] for row in form["marks"]}
    needed = {"all": set(FACES), "marked": marked, "none": set[str]()}[counter_policy(case.policy).photos]
    missing = [face for face in FACES if face in needed and not form[f"photo_{face}"]]
    if missing:
        raise wrong("appearance.photos", _NO_PHOTO.fill(faces=_list([_FACES[face] for face in missing])), _TAKE_PHOTO)
    return tuple(
        FaceV1(
            face=face,
            marks=tuple(_mark(case, row) for row in form["marks"] if row["face"] == face),
            photos=files.take(form[f"photo_{face}"], face, ("image/",)),
        )
        for face in FACES
    )


def _mark(case: Case, row: Mapping[str, Any]) -> MarkV1:
    if max(row["x"], row["y"]) > 1000:
        raise wrong("appearance.place", _OUTSIDE.fill(kind=_MARKS[row["kind"]]), _PER_MILLE)
    note = written(case).text(row["note"], 400)
    return MarkV1(kind=row["kind"], x=row["x"], y=row["y"], size=row["size"], note=note)


def _accessory(case: Case, row: Mapping[str, Any]) -> AccessoryV1:
    redactor, count = written(case), 1 if row["count"] is None else row["count"]
    if not 1 <= count <= 1000:
        raise wrong("appearance.count", _COUNT.fill(what=row["what"]), _COUNT_AGAIN)
    return AccessoryV1(what=redactor.text(row["what"], 200), count=count, state=redactor.text(row["state"], 400))


# --- identity --------------------------------------------------------------------------------------------------------


def _same_phone(case: Case, form: Filled) -> tuple[Sight, ...]:
    """What was read at each place; refused where two places name different phones."""
    serial, imeis = identities(case.session)
    ticket = Known("ticket", imeis, str(case.personal.get("meid") or ""), serial)
    typed: tuple[Place, ...] = ("device", "box", "tray")
    read = [read_label(place, form[place], ticket) for place in typed if form[place]]
    run = _of_run(case)
    two = differing(ticket, [*([run] if run else []), *(sight.known for sight in read)])
    if two is not None:
        what = _DIFFER.fill(one=PLACES[two[0]], other=PLACES[two[1]])
        raise not_now("appearance.identity", what, _STOP)
    first = Sight("ticket", "imei", imeis[0]) if imeis else Sight("ticket", "serial", serial)
    if run is not None and not form["device"]:
        read.insert(0, Sight("device", "imei", run.imeis[0]) if run.imeis else Sight("device", "serial", run.serial))
    return (first, *read)


def _of_run(case: Case) -> Known | None:
    """The phone as the newest run read it."""
    runs = list(case.session.runs.values())
    if not runs:
        return None
    seen = (runs[-1].resumed[-1] if runs[-1].resumed else runs[-1].opened).device
    imeis = tuple(one.identity for one in seen.imeis if one.identity)
    found = Known("device", imeis, serial=seen.serial.identity or "")
    return found if found.imeis or found.serial else None


def _sight(case: Case, place: Place, sights: Sequence[Sight]) -> SightV1:
    found = next((sight for sight in sights if sight.place == place), None)
    if found is None:
        return SightV1(place=place, kind=None, seen=None)
    return SightV1(place=place, kind=found.kind, seen=case.commit(found.kind, found.value))


# --- parcels ---------------------------------------------------------------------------------------------------------


def _unpacking(case: Case, form: Filled, files: Files) -> UnpackingV1 | None:
    """How a parcel was opened; a phone that was sent in has one."""
    evidence: tuple[EvidenceRef, ...] = files.take(form["unpacking"], "unpacking", ("image/", "video/"))
    registration = case.newest("registration")
    asked = registration.statement.predicate if registration else None
    if not isinstance(asked, RegistrationV1) or asked.channel != "mail-in":
        if evidence or form["seal"] or form["waybill"]:
            raise wrong("appearance.parcel", _NO_PARCEL, _LEAVE_OUT)
        return None
    if not evidence:
        raise not_now("appearance.unpacking", _NOT_FILMED, _FILM)
    if not form["seal"]:
        raise wrong("appearance.seal", _NO_SEAL, _FILM)
    return UnpackingV1(waybill=_waybill(case, form), seal=form["seal"], evidence=evidence)


def _waybill(case: Case, form: Filled) -> Any:
    scanned, known = plain_text(form["waybill"]), plain_text(str(case.personal.get("waybill") or ""))
    if scanned and known and scanned != known:
        raise not_now("appearance.waybill", _OTHER_PARCEL.fill(tail=scanned[-4:]), _STOP)
    if not scanned and not known:
        raise wrong("appearance.waybill", _NO_WAYBILL, _SCAN_WAYBILL)
    return case.commit("waybill", scanned or known)


# --- what is shown ---------------------------------------------------------------------------------------------------


def appearance_lines(made: AppearanceV1) -> list[Words]:
    """How the phone came, line by line: what the person signs and the customer confirms."""
    lines = [_face_line(face) for face in made.faces]
    lines.append(_SEALS_LINE.fill(liquid=_LIQUID[made.liquid], screws=_SCREWS[made.screws]))
    if made.opened:
        lines.append(_OPENED_LINE.fill(signs=_list([_OPENED[one] for one in made.opened])))
    came = [f"{one.count} {one.what} {one.state}".strip() for one in made.accessories]
    came_with = _list([Words(one, one) for one in came]) if came else _NOTHING
    lines.append(_ACCESSORIES.fill(what=came_with))
    lines.append(_STAYS.fill(what=_list([_LEFT_IN[one] for one in made.left_in]) if made.left_in else _NOTHING))
    powers = {True: "yes", False: "no", None: "not-tried"}[made.powers_on]
    lines.append(_POWER_LINE.fill(power=_POWERS[powers], lock=_LOCK[made.lock]))
    read = [PLACES[one.place] for one in made.identity if one.seen is not None]
    lines.append(_AGREE.fill(places=_list(read)))
    unread = [PLACES[one.place] for one in made.identity if one.seen is None]
    if unread:
        lines.append(_NOT_READ.fill(places=_list(unread)))
    if made.unpacking is not None:
        lines.append(_UNPACKED.fill(seal=_SEALS[made.unpacking.seal], n=len(made.unpacking.evidence)))
    return lines


def _face_line(face: FaceV1) -> Words:
    named, counted = _FACES[face.face], Words(f"; photos: {len(face.photos)}", f"，照片 {len(face.photos)} 张")
    photos = counted if face.photos else Words("", "")
    if not face.marks:
        return _NO_MARKS.fill(face=named, photos=photos)
    marks = [_MARK.fill(kind=_MARKS[one.kind], size=_SIZES[one.size], x=one.x, y=one.y) for one in face.marks]
    return Words(f"{named.en}: {_list(marks).en}{photos.en}", f"{named.zh}：{_list(marks).zh}{photos.zh}")


def _list(words: Sequence[Words]) -> Words:
    return Words(", ".join(one.en for one in words), "、".join(one.zh for one in words))


_NO_MARKS = Words("{face}: no marks{photos}", "{face}：完好{photos}")
_MARK = Words("{kind} ({size}) at {x}/{y} ‰", "{kind}（{size}）位置 {x}/{y}‰")
_SEALS_LINE = Words("liquid indicator {liquid}; screws {screws}", "进液标签：{liquid}；螺丝：{screws}")
_OPENED_LINE = Words("signs of an unofficial repair: {signs}", "非官方维修痕迹：{signs}")
_ACCESSORIES = Words("handed over with it: {what}", "随机附件：{what}")
_STAYS = Words("left in or on the phone: {what}", "留在机内或机上：{what}")
_NOTHING = Words("nothing", "无")
_POWER_LINE = Words("{power}; {lock}", "{power}；{lock}")
_AGREE = Words("the phone's identity agrees: {places}", "身份一致：{places}")
_NOT_READ = Words("its identity was not read: {places}", "未读取身份：{places}")
_UNPACKED = Words("unpacked before a camera: seal {seal}, files: {n}", "开箱已拍摄：封签{seal}，文件 {n} 个")
_NO_INTAKE = Words("The phone was not taken in yet", "手机尚未接件")
_SAY_WHY = Words(
    "There is an appearance record already: say why there is a new one", "已有外观记录：请说明重新记录的原因"
)
_NEWER = Words("Fill in the reason; the earlier record stays", "请填写原因；先前记录保留")
_NOT_LOOKED_AT = Words("Not looked at yet: {faces}", "尚未查看：{faces}")
_LOOK = Words("Look at all six faces; one without marks is looked at too", "请查看全部六面；无痕迹的面也须查看")
_NO_PHOTO = Words("A picture is missing: {faces}", "缺少照片：{faces}")
_TAKE_PHOTO = Words("Take one with `assay photo`, or hand in a file", "请用 `assay photo` 拍照，或提供照片文件")
_OUTSIDE = Words("{kind}: it lies outside of the outline", "{kind}：位置超出轮廓")
_PER_MILLE = Words("x and y are per mille of the outline, 0 to 1000", "x、y 为轮廓的千分比，0 到 1000")
_COUNT = Words("{what}: there is none, or too many", "{what}：数量不对")
_COUNT_AGAIN = Words("Count again: 1 to 1000, or leave the line out", "请重新清点：1 到 1000，或删除该行")
_DIFFER = Words("{one} and {other} name different phones", "{one}与{other}的手机身份不一致")
_STOP = Words("Stop here: find out which phone this is; nothing was stored", "请停止办理并核对手机；未保存任何内容")
_NO_PARCEL = Words("This phone was not registered as sent in", "该手机未登记为寄修")
_LEAVE_OUT = Words("Leave parcel, seal and waybill out", "请勿填写包裹、封签和运单")
_NOT_FILMED = Words(
    "A phone that was sent in is unpacked before a camera: its film or pictures are missing",
    "寄修件须在摄像下开箱：缺少视频或照片",
)
_FILM = Words("Add the film or pictures of the unpacking, and how the seal was", "请附上开箱视频或照片，并注明封签状态")
_NO_SEAL = Words("Say how the parcel's seal was", "请注明封签状态")
_OTHER_PARCEL = Words("The parcel's waybill …{tail} is not the registered one", "包裹运单 …{tail} 与登记不符")
_NO_WAYBILL = Words("The parcel's waybill is not known", "包裹运单号未知")
_SCAN_WAYBILL = Words("Scan the label on the parcel", "请扫描包裹面单")


def _choices(named: Mapping[Any, Words]) -> tuple[Choice, ...]:
    return tuple(Choice(value, label) for value, label in named.items())


_MARK_COLUMNS = (
    Field("face", Words("face", "面"), "choice", required=True, choices=_choices(_FACES)),
    Field("kind", Words("kind", "类型"), "choice", required=True, choices=_choices(_MARKS)),
    Field("x", Words("x, per mille from the left", "x（自左千分比）"), "count", required=True),
    Field("y", Words("y, per mille from the top", "y（自上千分比）"), "count", required=True),
    Field("size", Words("size", "大小"), "choice", required=True, choices=_choices(_SIZES)),
    Field("note", Words("note", "备注"), most=200),
)
_ACCESSORY_COLUMNS = (
    Field("what", Words("what", "名称"), required=True, most=100),
    Field("count", Words("count", "数量"), "count"),
    Field("state", Words("state", "状态"), most=200),
)
_READ = Words("identity on the {place}", "{place}上的身份")

STEPS = (
    Step(
        id="appearance",
        kind="appearance/v1",
        place=210,
        title=Words("appearance", "外观记录"),
        about=Words("six faces, seals, accessories, and whose phone it is", "六面外观、封签、附件及身份核对"),
        roles=("receptionist", "technician", "lead"),
        possible=_possible,
        make=_appear,
        fields=(
            *grouped(
                Words("what is seen", "外观"),
                Field(
                    "faces",
                    Words("faces that were looked at", "已查看的面"),
                    "choices",
                    required=True,
                    choices=_choices({face: _FACES[face] for face in get_args(Face)}),
                ),
                Field("marks", Words("marks", "痕迹"), "rows", most=60, columns=_MARK_COLUMNS),
            ),
            *grouped(
                Words("pictures, face by face", "各面照片"),
                *(
                    Field(f"photo_{face}", Words(f"pictures: {label.en}", f"照片：{label.zh}"), "photos", most=6)
                    for face, label in _FACES.items()
                ),
            ),
            *grouped(
                Words("state and accessories", "状态与附件"),
                Field(
                    "liquid", Words("liquid indicator", "进液标签"), "choice", required=True, choices=_choices(_LIQUID)
                ),
                Field("screws", Words("screws", "螺丝"), "choice", required=True, choices=_choices(_SCREWS)),
                Field(
                    "opened",
                    Words("signs of an unofficial repair", "非官方维修痕迹"),
                    "choices",
                    choices=_choices(_OPENED),
                ),
                Field("accessories", Words("accessories", "附件"), "rows", most=30, columns=_ACCESSORY_COLUMNS),
                Field(
                    "left_in", Words("left in or on the phone", "留在机内或机上"), "choices", choices=_choices(_LEFT_IN)
                ),
                Field(
                    "powers_on", Words("switches on", "能否开机"), "choice", required=True, choices=_choices(_POWERS)
                ),
                Field(
                    "lock",
                    Words("screen lock (never its code)", "锁屏状态（不记录密码）"),
                    "choice",
                    required=True,
                    choices=_choices(_LOCK),
                ),
            ),
            *grouped(
                Words("identity as it is read off", "核对机身与包装上的身份"),
                *(
                    Field(
                        place, _READ.fill(place=PLACES[place]), personal=True, most=100, help=Words("scan it", "请扫码")
                    )
                    for place in ("device", "box", "tray")
                ),
            ),
            *grouped(
                Words("parcel, where it came by one", "包裹（寄修时填写）"),
                Field("unpacking", Words("film or pictures of the unpacking", "开箱视频或照片"), "photos", most=6),
                Field("seal", Words("the parcel's seal", "包裹封签"), "choice", choices=_choices(_SEALS)),
                Field("waybill", Words("the parcel's waybill", "包裹运单号"), personal=True, most=60),
            ),
            *grouped(
                Words("note, and why it is recorded anew", "备注与重新记录的原因"),
                Field("note", Words("note", "备注"), "long", most=1000),
                Field("reason", Words("why it is recorded anew", "重新记录的原因"), "long", most=1000),
            ),
        ),
    ),
)
