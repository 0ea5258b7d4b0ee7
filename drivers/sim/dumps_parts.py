"""What the phone prints about its cameras.

Functions of the phone's state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from drivers.sim.persona import Camera
from drivers.sim.state import PhoneState

__all__ = ["media_camera"]


def media_camera(state: PhoneState, arguments: Sequence[str]) -> str:
    """`dumpsys media.camera`."""
    if state.persona.android.sdk < 26:
        return "".join(_old_cameras(state))
    return "".join(_cameras(state))


def _cameras(state: PhoneState) -> Iterator[str]:
    cameras = state.persona.cameras
    yield "\n== Service global info: ==\n\n"
    if not state.persona.camera_provider_up:
        yield "Number of camera devices: 0\nNumber of normal camera devices: 0\n"
    else:
        yield f"Number of camera devices: {len(cameras)}\nNumber of normal camera devices: {len(cameras)}\n"
        yield f"Number of public camera devices visible to API1: {min(len(cameras), 2)}\n"
        yield from (f'    Device {number} maps to "{number}"\n' for number in range(min(len(cameras), 2)))
    yield "Active Camera Clients:\n[]\nAllowed user IDs: 0\n\n"
    yield "== Camera service events log (most recent at top): ==\n"
    yield from _camera_events(state)
    if not state.persona.camera_provider_up:
        yield "\n"
        cameras = ()
    for number in range(len(cameras)):
        yield f"== Camera device {number} dynamic info: ==\n  Device {number} is closed, no client instance\n"
    yield f"== Camera Provider HAL internal/0 (v2.7, remote) static info: {len(cameras)} devices: ==\n"
    for number, camera in enumerate(cameras):
        yield f"== Camera HAL device device@3.7/internal/{number} (v3.7) static information: ==\n"
        yield from _characteristics(camera)
    yield "== Vendor tags: ==\n\n  No vendor tags.\n\n"
    yield from _error_traces(state)


def _characteristics(camera: Camera) -> Iterator[str]:
    yield "  Resource cost: 50\n  Conflicting devices: None\n  API1 info:\n"
    yield f"    Has a flash unit: {'true' if camera.flash else 'false'}\n"
    yield f"    Facing: {camera.facing}\n    Orientation: {camera.orientation}\n"
    yield "  API2 camera characteristics:\n"
    yield "    Dumping camera metadata array: 5 / 5 entries, 64 / 64 bytes of extra data.\n"
    yield "      Version: 1, Flags: 00000000\n"
    yield f"      android.lens.info.availableFocalLengths (90002): float[1]\n        [{camera.focal_mm:.8f} ]\n"
    yield f"      android.lens.info.availableApertures (90000): float[1]\n        [{camera.aperture:.8f} ]\n"
    yield (
        "      android.sensor.info.pixelArraySize (f0006): int32[2]\n"
        f"        [{camera.width} {camera.height} ]\n"
        f"      android.lens.facing (80005): byte[1]\n        [{camera.facing.upper()} ]\n"
    )


def _camera_events(state: PhoneState) -> Iterator[str]:
    for event in sorted(state.persona.camera_events, key=lambda event: event.ago_s):
        yield f"  {state.since_start(event.ago_s):%m-%d %H:%M:%S} : {event.text}\n"
    booted = state.since_start(86_400 * 3)
    yield f"  {booted:%m-%d %H:%M:%S} : USER_SWITCH previous allowed user IDs: <None>, current allowed user IDs: 0\n"
    for number in reversed(range(len(state.persona.cameras))):
        yield f"  {booted:%m-%d %H:%M:%S} : ADD device {number}, reason: (Device added)\n"
    yield "\n"


def _error_traces(state: PhoneState) -> Iterator[str]:
    traces = state.persona.camera_errors
    yield f"== Camera error traces ({len(traces)}): ==\n"
    yield from (f"  {trace}\n" for trace in traces)
    if not traces:
        yield "  No camera traces collected.\n"


def _old_cameras(state: PhoneState) -> Iterator[str]:
    """The dump of Android 5 to 7."""
    cameras, model = state.persona.cameras, state.persona.model
    yield "Camera module HAL API version: 0x100\nCamera module API version: 0x203\n"
    yield f"Camera module name: {model.board} Camera Module\nCamera module author: {model.manufacturer}\n"
    yield f"Number of camera devices: {len(cameras)}\n"
    if state.persona.android.sdk >= 23:
        yield f"Number of normal camera devices: {len(cameras)}\n"
    yield "Active Camera Clients:\n[]\nAllowed users:\n0\nVendor tags left unimplemented.\n\n"
    yield "Prior client events (most recent at top):\n"
    yield from _camera_events(state)
    for number, camera in enumerate(cameras):
        yield f"Camera {number} information:\n  Facing: {camera.facing.upper()}\n  Orientation: {camera.orientation}\n"
        yield f"  Device version: 0x100\n  Device {number} is closed, no client instance\n\n"
    yield "No active camera clients yet.\n\n"
    traces = state.persona.camera_errors
    yield f"Camera error traces ({len(traces)}):\n"
    yield from (f"  {trace}\n" for trace in traces)
    if not traces:
        yield "  No camera traces collected.\n"
