"""Phones of makers that keep things from the cable, run by the real engine: not run, with the switch of that maker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from drivers.sim.persona import Persona, load_persona
from drivers.sim.phone import SimulatedPhone
from probes.api import discover
from station import messages as m
from station.client import Client
from station.commands.answers import Reply
from station.commands.run import Attended
from station.demo.hands import Hands
from tests.drivers.adb_bench import adb_bench
from tests.station.station_bench import enrol, running, send

SHELL_LOSES = {"permissions": ("WRITE_SECURE_SETTINGS", "INJECT_EVENTS", "GRANT_RUNTIME_PERMISSIONS")}
NFC_OFF = {"state": "off"}


def phone_of(manufacturer: str, brand: str, props: dict[str, str], persona: str = "healthy", **more: Any) -> Persona:
    """That phone, as a maker's system would print it."""
    base = load_persona(persona)
    model = base.model.model_copy(update={"manufacturer": manufacturer, "brand": brand})
    return Persona.model_validate({**dict(base), "model": model, "props": {**base.props, **props}, **more})


XIAOMI = {"ro.miui.ui.version.name": "V816", "ro.mi.os.version.name": "OS2.0"}
OPPO = {"ro.build.version.oplusrom": "V15.0.0", "persist.sys.permission.enable": "true"}
HUAWEI = {"ro.build.version.emui": "EmotionUI_12.0.0"}
SAMSUNG = {"ro.build.version.oneui": "60100"}


class Quiet:
    """A willing person who says nothing that matters here."""

    def __init__(self, phone: SimulatedPhone) -> None:
        self._hands = Hands(phone, {"consent-to-write": "agree"})

    async def reply(self, check: str, prompt: m.PromptView) -> Reply:
        value = await self._hands.act(prompt)
        return Reply(wait=True) if value is None else Reply(value)


async def rows(folder: Path, personas: list[Persona], *checks: str) -> list[dict[str, dict[str, Any]]]:
    """The document rows of these checks on each phone, all at once."""
    path = folder / "few.toml"
    path.write_text(
        'format = 1\nid = "few"\nversion = 1\ntitle = { en = "few", zh = "例" }\nplatform = "android"\n'
        'stages = ["diagnosis"]\n' + "".join(f'[[check]]\nid = "{check}"\n' for check in checks),
        encoding="utf-8",
    )
    station = await enrol(folder / "data")
    async with adb_bench(folder, personas) as bench, running(station, bench.transport, loaded=discover()):

        async def one(phone: SimulatedPhone) -> dict[str, dict[str, Any]]:
            client = await Client.connect(station.data)
            try:
                slot = (await send(client, m.FindDevice(device=f"adb:{phone.address}", wait_s=20)))["slot"]
                start = m.StartRun(slot=slot, ticket="", checklist=str(path), stage="diagnosis", person="tech")
                document = await Attended(client, Quiet(phone), start).to_the_end()
                return {row["id"]: row for row in document["checks"]}
            finally:
                await client.close()

        async with asyncio.timeout(90):
            return list(await asyncio.gather(*(one(phone) for phone in bench.sim.phones)))


def said(row: dict[str, Any], language: int) -> str:
    """Everything that the check says of what it could not do."""
    return " ".join([(row["reason"] or ("", ""))[language], *(one["reason"][language] for one in row["unread"])])


async def test_each_makers_refusal_is_not_run_and_names_its_own_switch(tmp_path: Path) -> None:
    refusing: dict[str, Any] = {"nfc": NFC_OFF, "refuses": SHELL_LOSES}
    phones = [
        phone_of("Xiaomi", "Redmi", XIAOMI, **refusing),
        phone_of("OPPO", "OPPO", OPPO, **refusing),
        phone_of("HUAWEI", "HUAWEI", HUAWEI, **refusing),
        phone_of("Northlight", "northlight", {}, **refusing),
    ]
    expected = [
        ("USB debugging (Security settings)", "USB 调试（安全设置）"),
        ("Disable permission monitoring", "禁止权限监控"),
        ("no switch of Huawei is known", "华为没有已知的开关"),
        ("`assay vendors`", "`assay vendors`"),
    ]
    told = await rows(tmp_path, phones, "nfc")
    for found, (en, zh) in zip(told, expected, strict=True):
        row = found["nfc"]
        assert row["verdict"] == "none", row
        assert "WRITE_SECURE_SETTINGS" in said(row, 0)
        assert en in said(row, 0)
        assert zh in said(row, 1)
    xiaomi, oppo = (said(found["nfc"], 0) for found in told[:2])
    assert "permission monitoring" not in xiaomi
    assert "Security settings" not in oppo


async def test_a_samsung_tells_its_battery_by_asoc_and_that_its_warranty_bit_is_tripped(tmp_path: Path) -> None:
    base = load_persona("healthy")
    battery = base.battery.model_copy(
        update={"samsung_asoc": 91, "samsung_usage": 21_400, "samsung_first_use": "20240204"}
    )
    security = base.security.model_copy(update={"warranty_bit": 1})
    phone = phone_of("samsung", "samsung", SAMSUNG, battery=battery, security=security)
    [found] = await rows(tmp_path, [phone], "os-integrity", "battery-health")
    tripped = {one["name"]: one["value"] for one in found["os-integrity"]["measurements"]}["warranty_bit_tripped"]
    assert tripped is True
    assert found["os-integrity"]["verdict"] in ("warn", "fail")
    asoc = next(one for one in found["battery-health"]["measurements"] if one["name"] == "health_asoc")
    assert (asoc["value"], "mSavedBatteryAsoc" in asoc["source"]) == (91, True)
