"""Outputs of screens, input devices, sensors, vibrators and biometrics in the shapes that phones print them."""

# ruff: noqa: E501 - the lines are as long as phones print them

from __future__ import annotations

DISPLAY = """\
DISPLAY MANAGER (dumpsys display)
  mOnlyCode=false
  mGlobalDisplayState=ON

Display Devices: size=1
  DisplayDeviceInfo{"Built-in Screen": uniqueId="local:7", 1200 x 2640, modeId 2, renderFrameRate 90.0, defaultModeId 1, supportedModes [{id=1, width=1200, height=2640, fps=60.000004, vsync=60.000004, alternativeRefreshRates=[90.0], supportedHdrTypes=[2, 3]}, {id=2, width=1200, height=2640, fps=90.0, alternativeRefreshRates=[60.000004], supportedHdrTypes=[2, 3]}], colorMode 0, HdrCapabilities HdrCapabilities{mSupportedHdrTypes=[2, 3], mMaxLuminance=900.0}, density 440, 431.8 x 432.1 dpi, appVsyncOff 1000000, cutout DisplayCutout{insets=Rect(0, 96 - 0, 0) boundingRect={Bounds=[Rect(0, 0 - 0, 0), Rect(560, 0 - 640, 96), Rect(0, 0 - 0, 0)]}}, touch INTERNAL, rotation 0, type INTERNAL, address {port=0, model=0x4010aa}, deviceProductInfo DeviceProductInfo{name=PNL66, manufacturerPnpId=BNC, productId=7, modelYear=null}, state ON, brightnessMinimum 0.0, brightnessMaximum 1.0, brightnessDefault 0.35, roundedCorners RoundedCorners{[RoundedCorner{position=TopLeft, radius=96, center=Point(96, 96)}]}, FLAG_DEFAULT_DISPLAY}

Display Power Controller:
  mScreenBrightness=117
"""

DISPLAY_OLD = """\
DISPLAY MANAGER (dumpsys display)
  mGlobalDisplayState=OFF
Display Devices: size=1
  DisplayDeviceInfo{"内置屏幕": uniqueId="local:0", 720 x 1280, 60.0 fps, density 320, 294.967 x 295.563 dpi, touch INTERNAL, rotation 0, type BUILT_IN, state OFF, FLAG_DEFAULT_DISPLAY}
  mScreenBrightness=0
"""

FLINGER_POSITIONAL = """\
Visible layers (count = 7)
Displays (1 entries)
+ DisplayDevice: Built-in Screen
   type=0, hwcId=0, layerStack=0, ( 720x1280), ANativeWindow=0x7f, orient= 0 (type=00000000), isSecure=1, powerMode=2, activeConfig=0
  refresh-rate              : 59.999998 fps
  x-dpi                     : 294.967010
"""

FLINGER_NAMED = """\
Display 4619827 (HWC display 0): port=0 pnpId=BNC displayName="PNL66"
Visible layers (count = 83)
Displays (1 entries)
   powerMode=Doze (1)
   activeMode={id=1, hwcId=1, width=1200, height=2640, refreshRate=90.00fps, dpiX=431.80, dpiY=432.10, group=0}
  refresh-rate              : 90.00 Hz
  x-dpi                     : 431.80
"""

INPUT = """\
INPUT MANAGER (dumpsys input)

Event Hub State:
  BuiltInKeyboardId: -2
  Devices:
    -1: Virtual
      Classes: 0x40000023
    1: gpio-keys (aka device 0 - built-in keyboard)
      Classes: 0x00000001
    2: bench_ts
      Classes: 0x00000015
    3:
      Classes: 0x00000080
Input Reader State:
  Device -1: Virtual
    Generation: 2
  Device 2: bench_ts
    Generation: 9
    Touch Input Mapper (mode - direct):
      Raw Touch Axes:
        X: min=0, max=1199, flat=0, fuzz=0, resolution=0
        Y: min=0, max=2639, flat=0, fuzz=0, resolution=0
"""

EVENTS = """\
Sensor List:
0x00000001) Bench accel              | Maker           | ver: 1 | type: android.sensor.accelerometer(1) | perm: n/a | flags: 0x00000000
\tcontinuous | minRate=1.00Hz | maxRate=400.00Hz | FIFO (max,reserved) = (3000, 300) events | non-wakeUp |
0x00000002) Bench heart              | Maker           | ver: 1 | type: android.sensor.heart_rate(21) | perm: android.permission.BODY_SENSORS | flags: 0x00000000
\ton-change | minRate=1.00Hz | maxRate=400.00Hz | FIFO (max,reserved) = (0, 0) events | non-wakeUp |
0x00000003) Bench ALSPS              | Maker           | ver: 1 | type: android.sensor.light(5) | perm: n/a | flags: 0x00000000
0x00000004) Bench ALSPS              | Maker           | ver: 1 | type: android.sensor.proximity(8) | perm: n/a | flags: 0x00000000
Fusion States:
9-axis fusion disabled (0 clients)
Recent Sensor events:
Bench accel: last 2 events
\t 1 (ts=812.100000000, wall=10:11:12.100) 0.01, -0.12, 9.80,
\t 2 (ts=812.166000000, wall=10:11:12.166) 0.02, -0.11, 9.81,
Bench heart: last 1 events
\t 1 (ts=700.100000000, wall=10:09:12.100) [value masked]
Bench ALSPS: last 1 events
\t 1 (ts=700.100000000, wall=10:09:12.100) 5.00, 0.00, 0.00,
Active sensors:
Bench accel (handle=0x00000001, connections=1)
Socket Buffer size = 984 events
"""

EVENTS_LOLLIPOP = """\
Sensor List:
BNC200         | Maker     | version=1 |android.sensor.accelerometer| 0x00000001 | "" | type=1 | continuous | maxRate=100.00Hz | no batching | non-wakeUp | last=<  0.1, -0.2,  9.8>
9-axis fusion disabled (0 clients)
Active sensors:
BNC200 (handle=0x00000001, connections=1)
Socket Buffer size = 984 events
"""

EVENTS_MARSHMALLOW = """\
Sensor List:
BNC200         | Maker     | version=1 |android.sensor.accelerometer| 0x00000001 | "" | type=1 | continuous | maxRate=100.00Hz | no batching | non-wakeUp | last 2 events = < 1)   0.1, -0.2,  9.8,81210000000 10:11:12 2)   0.1, -0.1,  9.9,81276000000 10:11:12 >
9-axis fusion disabled (0 clients)
Active sensors:
"""

VIBRATOR = """\
Vibrator Service:
  mCurrentVibration=null
  mLowPowerMode=true
  mHapticFeedbackIntensity=3

  Previous vibrations:
    startTime: May 8, 2021, 3:30:08 PM, effect: OneShot{mDuration=150, mAmplitude=255}, usageHint: 0, uid: 0
    startTime: May 8, 2021, 3:31:08 PM, effect: OneShot{mDuration=150, mAmplitude=255}, usageHint: 0, uid: 0
"""

VIBRATOR_OLD = "Previous vibrations:\n  , startTime: 62571, effect: Prebaked{mEffectId=0, mFallback=true}, uid: 1000, opPkg: android\n"

VIBRATOR_MANAGER = """\
Vibrator Manager Service:
  mVibratorIds=[0, 1]
  mLowPowerMode=false
  Recent vibrations:
    startTime: 05-08 15:30:08.120, endTime: 05-08 15:30:08.270, status: finished
"""

VIBRATOR_BLOCKS = """\
Vibrator Manager Service:
  VibrationSettings:
    lowPowerMode? = false
  Vibrators:
    Vibrator (id=0):
      currentAmplitude = 0.0
    Default HAL Vibrator (id=1):
      currentState = IDLE
  Recent vibrations:
    05-08 15:30:08.120 |     haptic |             finished | duration:    45ms | start: 15:30:08.120
"""

FINGERPRINT = '{"service":"Fingerprint Manager","prints":[{"id":0,"count":2,"accept":52,"reject":3,"acquire":60,"lockout":1,"permanentLockout":0}]}\nHAL Deaths: 1\n'
FINGERPRINT_SENSOR = 'Dumping for sensorId: 0, provider: FingerprintProvider\n{"service":"FingerprintProvider\\/default","prints":[{"id":0,"count":1,"accept":9,"reject":0,"acquire":9,"lockout":0}]}\nHAL deaths since last reboot: 0\n'

TOUCH_SELFTEST = """\
Driver version:     1.2.8
Core lib version:   1.25
TouchComm version:  1
Firmware mode:      Application Firmware, 0x01
Part number:        S0000BNC-1
Packrat number:     41000
Max X & Y:          1199, 2639
Num of objects:     10
Num of cols & rows: 5, 4
Get Raw Data - Delta
Mutual
0 1 -1 0 0
1 0 0 0 -1
0 0 0 0 0
0 0 2 0 0
Self
-25 -13 -5 -10 -14
Get Raw Data - Raw
Mutual
8440 8512 8490 12 8440
8410 8502 8480 11 8460
8422 8512 8499 10 8470
8440 8522 8490 12 8440
"""

DEVICE_STATE = """\
DEVICE STATE MANAGER (dumpsys device_state)
  mCommittedState=Optional[DeviceState{identifier=2, name='OPENED', app_accessible=true}]
  mBaseState=Optional[DeviceState{identifier=2, name='OPENED', app_accessible=true}]
Supported states: [
  DeviceState{identifier=0, name='CLOSED', app_accessible=true},
  DeviceState{identifier=2, name='OPENED', app_accessible=true},
]
"""

OUTPUTS = {
    "display": [DISPLAY, DISPLAY_OLD],
    "surfaceflinger": [FLINGER_POSITIONAL, FLINGER_NAMED],
    "window_size": ["Physical size: 1200x2640\nOverride size: 720x1584\nPhysical density: 440\n"],
    "panel_files": [
        "== /sys/class/graphics/fb0/msm_fb_panel_info\npanel_name=bench fhd cmd\nxres=1200\n",
        "== /sys/class/lcd/panel/lcd_type\nBNC_PNL66\n",
    ],
    "input": [INPUT],
    "sensor_events": [EVENTS, EVENTS_LOLLIPOP, EVENTS_MARSHMALLOW],
    "vibrator": [VIBRATOR, VIBRATOR_OLD, VIBRATOR_MANAGER, VIBRATOR_BLOCKS],
    "haptic_settings": ["vibrate_on=null\nhaptic_feedback_enabled=1\nzen_mode=0\nlow_power=0\n"],
    "vibrator_list": ["0\n1\n"],
    "fingerprint": [FINGERPRINT, FINGERPRINT_SENSOR],
    "touch_selftest": [TOUCH_SELFTEST],
    "setting": ["0\n", "null\n"],
    "device_state": [DEVICE_STATE],
    "brightness_bounds": ["  mScreenBrightnessSettingMinimum=2\n  mScreenBrightnessSettingMaximum=2047\n"],
}
#: They count or list what was printed so far.
GROWING = {
    "event_hub_devices", "physical_devices", "touch_mappers", "previous_count", "motors", "panels", "active", "masked",
    "states", "raw_mutual_rows", "delta_mutual_rows", "dead_lines", "services", "set", "value", "panel",
}  # fmt: skip
#: Not one section of a bug report: commands of our own.
UNFRAMED = {"brightness_bounds", "setting", "panel_files", "vibrator_list", "window_size"}
