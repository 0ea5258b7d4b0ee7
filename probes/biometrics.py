"""Fingerprint and face: whether the sensor's service is there, and whether its counters move when a person uses it.

Only a biometric moves these counters, so a PIN never counts. Nothing is enrolled or changed here: a phone without an
enrolled finger is not judged. Limits are judged elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

from drivers.api import Command, Shell
from drivers.text import Words
from probes import getprop
from probes.answers import Heard, hear_apart, hear_second_apart
from probes.apart import apart
from probes.api import Bench, Measurement, NotApplicable, Reading, Unread, probe
from probes.biometric_dump import fingerprint
from probes.live import seen_by_the_phone
from probes.telephony import features_of
from probes.units import FLAG, TEXT

__all__ = ["biometrics"]

_FINGER = Command("fingerprint", "dumpsys fingerprint", timeout_s=5.0, limit=256 * 1024)
_FACE = Command("face", "dumpsys face", timeout_s=5.0, limit=256 * 1024)
_FEATURES = Command("pm-features", "pm list features", timeout_s=10.0, limit=256 * 1024)
_POLL_S = 0.3
#: From Android 12 on the dump goes over the sensors that there are (AOSP FingerprintService.dump).
_BY_SENSOR_SDK = 31
#: A finger is tried a few times before it counts as not known.
_REJECTS = 5

_NAMES = {"fingerprint": Words("fingerprint", "指纹"), "face": Words("face", "人脸")}
_NONE = Words("the phone is not made with a fingerprint sensor or face unlock", "此手机没有指纹或人脸识别")
_NOT_ENROLLED = Words(
    "no {kind} is enrolled; enrol one in the security settings, with the customer's consent, and run this again",
    "未录入{kind}；请征得客户同意后在安全设置中录入再重测",
)
_UNLOCK = Words("Lock the phone, then unlock it by {kind}", "请锁屏后用{kind}解锁")
_NO_PIN = Words("Not by PIN or pattern: the phone counts the sensor only.", "请勿用密码或图案，只统计传感器。")
_NO_COUNTERS = Words("the service prints no counters", "服务未输出计数")


async def _which(bench: Bench, finger: Heard, face: Heard) -> tuple[str, Command, Heard]:
    """Fingerprint where the phone has or should have it, else face; raises `NotApplicable` where it has neither."""
    listed = await apart(features_of, bench.answer(_FEATURES.name).stdout)
    features = {name.split("=")[0] for name in listed}
    if "services" in finger.facts or "android.hardware.fingerprint" in features:
        return "fingerprint", _FINGER, finger
    if "services" in face.facts or "android.hardware.biometrics.face" in features:
        return "face", _FACE, face
    if any(name.startswith("android.hardware.") for name in features):
        raise NotApplicable(_NONE)
    return "fingerprint", _FINGER, finger


@probe(
    "android.biometrics",
    needs=Shell,
    reads=(_FINGER, _FACE, _FEATURES, getprop.READ),
    measures={
        "biometric_kind": TEXT,
        "biometric_present": FLAG,
        "biometric_enrolled": "1",
        "biometric_moves": FLAG,
        "biometric_accepts": FLAG,
        "biometric_lockouts": "1",
        "biometric_hal_deaths": "1",
    },
    names={
        "biometric_kind": Words("kind", "类型"),
        "biometric_present": Words("service running", "服务运行"),
        "biometric_enrolled": Words("enrolled", "已录入"),
        "biometric_moves": Words("sensor reacts", "传感器有反应"),
        "biometric_accepts": Words("accepted", "验证通过"),
        "biometric_lockouts": Words("lockouts", "锁定次数"),
        "biometric_hal_deaths": Words("HAL deaths", "服务崩溃次数"),
    },
    asks=True,
)
async def biometrics(bench: Bench, *, timeout_s: float = 90.0) -> AsyncIterator[Reading]:
    """Presence, enrolments, and whether the counters move and accept when a known finger or face is shown.

    Settings: `timeout_s` seconds for the prompt.
    """
    finger = await hear_apart(bench, _FINGER, fingerprint)
    face = await hear_second_apart(bench, _FACE, fingerprint)
    kind, command, said = await _which(bench, finger, face)
    if not said.facts and not bench.answer(_FEATURES.name).stdout.strip():
        yield Unread("biometric_present", said.reason("services"), said.source)
        return
    yield Measurement("biometric_kind", kind, said.source)
    if "services" not in said.facts:
        # An empty dump of a phone that declares the part: its service runs without any sensor. Before Android 12 the
        # service prints its counters also then, and one that prints nothing is a maker's own that keeps them.
        sdk = (await hear_second_apart(bench, getprop.READ, getprop.getprop)).get("sdk") or 0
        said_something = bool(bench.answer(command.name).stdout.strip() or bench.answer(command.name).stderr.strip())
        if said_something or sdk < _BY_SENSOR_SDK:
            yield Unread("biometric_present", said.reason("services"), said.source)
        else:
            yield Measurement("biometric_present", False, f"{said.source}: no sensor")
        return
    yield Measurement("biometric_present", True, said.source)
    counters = {
        "hal_deaths_since_start": "biometric_hal_deaths",
        "hal_deaths": "biometric_hal_deaths",
        "lockout_user0": "biometric_lockouts",
    }
    told = {name: fact for fact, name in counters.items() if said.get(fact) is not None}
    for name, fact in told.items():
        yield Measurement(name, Decimal(said.get(fact)), said.source)
    enrolled = said.get("enrolled_user0")
    if enrolled is None or said.get("accept_user0") is None:
        for name in ("biometric_moves", "biometric_accepts"):
            yield Unread(name, _NO_COUNTERS, said.source)
        return
    yield Measurement("biometric_enrolled", Decimal(enrolled), said.source)
    if enrolled == 0:
        for name in ("biometric_moves", "biometric_accepts"):
            yield Unread(name, _NOT_ENROLLED.fill(kind=_NAMES[kind]), said.source)
        return
    async for reading in _used(bench, kind, command, said, timeout_s):
        yield reading


async def _used(bench: Bench, kind: str, command: Command, said: Heard, timeout_s: float) -> AsyncIterator[Reading]:
    shell = bench.capability(Shell)  # type: ignore[type-abstract]
    counts: dict[str, Any] = dict(said.facts)

    async def accepted() -> bool:
        """Wait for the counter of accepted tries; False when only rejected ones came."""
        while True:
            result = await shell.run(command.script, deadline_s=10.0, limit=command.limit)
            if result.failure is not None:
                raise result.failure
            counts.update((await apart(fingerprint, result.stdout)).facts)
            if counts["accept_user0"] > said.facts["accept_user0"]:
                return True
            if counts.get("reject_user0", 0) - said.facts.get("reject_user0", 0) >= _REJECTS:
                return False
            await asyncio.sleep(_POLL_S)

    title = _UNLOCK.fill(kind=_NAMES[kind])
    done = await seen_by_the_phone(
        bench.person, "biometric-use", title, accepted(), steps=(_NO_PIN,), timeout_s=timeout_s
    )
    moved = any(
        counts.get(name, 0) > said.facts.get(name, 0) for name in ("accept_user0", "reject_user0", "acquire_user0")
    )
    yield Measurement("biometric_moves", moved, f"{said.source}: accept, reject, acquire")
    yield Measurement("biometric_accepts", bool(done), f"{said.source}: accept")
