"""The system properties of a simulated phone, derived from its persona in the names that Android uses.

Pure; the persona's own `props` add to and replace what is derived here.
"""

from __future__ import annotations

import datetime

from drivers.sim.identity import PhoneIdentity
from drivers.sim.persona import Persona

__all__ = ["fingerprint", "properties_of"]


def fingerprint(persona: Persona) -> str:
    """The build fingerprint, `brand/product/device:release/id/incremental:type/tags`."""
    model, android = persona.model, persona.android
    return (
        f"{model.brand}/{model.product}/{model.device}:{android.release}/{android.build_id}/"
        f"{android.incremental}:{android.type}/{android.tags}"
    )


def properties_of(persona: Persona, identity: PhoneIdentity) -> dict[str, str]:
    """All properties of a phone that has just booted."""
    parts = (_product, _build, _boot, _telephony, _runtime)
    props: dict[str, str] = {}
    for part in parts:
        props |= part(persona, identity)
    props |= persona.props
    return {name: value for name, value in props.items() if name not in persona.absent_props}


def _product(persona: Persona, identity: PhoneIdentity) -> dict[str, str]:
    model, android = persona.model, persona.android
    names = {
        "brand": model.brand,
        "device": model.device,
        "manufacturer": model.manufacturer,
        "model": model.model,
        "name": model.product,
    }
    # From Android 10 each partition repeats them.
    spaces = ["", "system.", "vendor.", "odm.", "product."] if android.sdk >= 29 else [""]
    props = {f"ro.product.{space}{name}": value for space in spaces for name, value in names.items()}
    return props | {
        "ro.board.platform": model.board,
        "ro.hardware": model.hardware,
        "ro.product.board": model.board,
        "ro.product.cpu.abi": "arm64-v8a",
        "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
        "ro.product.locale": "en-US",
        "ro.serialno": identity.serial,
        "ro.boot.serialno": identity.serial,
    }


def _build(persona: Persona, identity: PhoneIdentity) -> dict[str, str]:
    model, android = persona.model, persona.android
    built = datetime.datetime.fromtimestamp(android.built_s, tz=datetime.UTC)
    display = f"{android.build_id}.{android.incremental}" if android.type != "user" else android.build_id
    props = {
        "ro.build.characteristics": "nosdcard",
        "ro.build.date": built.strftime("%a %b %e %H:%M:%S UTC %Y"),
        "ro.build.date.utc": str(android.built_s),
        "ro.build.description": (
            f"{model.product}-{android.type} {android.release} {android.build_id} {android.incremental} {android.tags}"
        ),
        "ro.build.display.id": display,
        "ro.build.fingerprint": fingerprint(persona),
        "ro.build.id": android.build_id,
        "ro.build.product": model.device,
        "ro.build.tags": android.tags,
        "ro.build.type": android.type,
        "ro.build.version.codename": "REL",
        "ro.build.version.incremental": android.incremental,
        "ro.build.version.release": android.release,
        "ro.build.version.sdk": str(android.sdk),
    }
    if android.patch:
        props["ro.build.version.security_patch"] = android.patch
    return props


def _boot(persona: Persona, identity: PhoneIdentity) -> dict[str, str]:
    security, android = persona.security, persona.android
    props = {
        "ro.boot.hardware": persona.model.hardware,
        "ro.bootloader": android.bootloader,
        "ro.boot.bootloader": android.bootloader,
        "ro.boot.selinux": security.selinux.lower(),
        "ro.bootmode": "unknown",
        "ro.debuggable": "1" if security.debuggable else "0",
        "ro.secure": "0" if security.debuggable else "1",
        "ro.adb.secure": "0" if security.debuggable else "1",
        "ro.crypto.state": security.encryption,
    }
    if android.sdk >= 24:
        props |= {
            "ro.boot.flash.locked": "1" if security.locked else "0",
            "ro.boot.vbmeta.device_state": "locked" if security.locked else "unlocked",
            "ro.boot.verifiedbootstate": security.verified_boot,
            "ro.boot.veritymode": "enforcing",
            "ro.boot.bootreason": "reboot",
            "sys.boot.reason": "reboot",
            "ro.crypto.type": "file",
            "ro.oem_unlock_supported": "1",
            "sys.oem_unlock_allowed": "0" if security.locked else "1",
        }
    if security.warranty_bit is not None:
        props |= {"ro.boot.warranty_bit": str(security.warranty_bit), "ro.warranty_bit": str(security.warranty_bit)}
    return props


def _telephony(persona: Persona, identity: PhoneIdentity) -> dict[str, str]:
    sims = persona.sims
    if not sims:
        return {}
    return {
        "gsm.current.phone-type": ",".join("1" for _ in sims),
        "gsm.network.type": ",".join(sim.network for sim in sims),
        "gsm.operator.alpha": ",".join(sim.operator for sim in sims),
        "gsm.operator.iso-country": ",".join(sim.country for sim in sims),
        "gsm.operator.isroaming": ",".join("false" for _ in sims),
        "gsm.operator.numeric": ",".join(sim.numeric for sim in sims),
        "gsm.sim.operator.alpha": ",".join(sim.operator for sim in sims),
        "gsm.sim.operator.numeric": ",".join(sim.numeric for sim in sims),
        "gsm.sim.state": ",".join(sim.state for sim in sims),
        "gsm.version.baseband": ",".join(persona.android.baseband for _ in sims),
        "gsm.version.ril-impl": "Qualcomm RIL 1.0",
        "persist.radio.multisim.config": "dsds" if len(sims) > 1 else "",
    }


def _runtime(persona: Persona, identity: PhoneIdentity) -> dict[str, str]:
    return {
        "dalvik.vm.heapsize": "512m",
        "init.svc.adbd": "running",
        "init.svc.surfaceflinger": "running",
        "init.svc.zygote": "running",
        "persist.sys.locale": "en-US",
        "persist.sys.timezone": "GMT",
        "persist.sys.usb.config": "adb",
        "ro.com.google.gmsversion": f"{persona.android.release}_202310",
        "ro.config.ringtone": "Ring_Synth_04.ogg",
        "ro.sf.lcd_density": "420",
        "ro.wifi.channels": "",
        "service.adb.root": "0",
        "sys.boot_completed": "1",
        "sys.usb.config": "adb",
        "sys.usb.state": "adb",
        "vendor.sys.usb.adb.disabled": "",
        "wifi.interface": "wlan0",
    }
