"""Outputs in the shapes that phones print, written for these tests; no phone of anybody stands behind them."""

# ruff: noqa: E501 - the lines are as long as phones print them

from __future__ import annotations

import importlib
from pathlib import Path

GETPROP = """\
[dalvik.vm.heapsize]: [512m]
[gsm.operator.alpha]: [Bench Mobile,]
[gsm.sim.state]: [LOADED,ABSENT]
[gsm.version.baseband]: [bb-1.2.3,bb-1.2.3]
[init.svc.vendor.camera-provider-2-7]: [running]
[persist.sys.boot.reason.history]: [reboot,userrequested,1700000300
kernel_panic,sysrq,1700000200
shutdown,battery,1600000000]
[ro.board.platform]: [zx80]
[ro.boot.bootreason]: [reboot]
[ro.boot.flash.locked]: [1]
[ro.boot.hardware.ufs]: [128GB,BenchChips]
[ro.boot.serialno]: [BENCH0001]
[ro.boot.vbmeta.device_state]: [locked]
[ro.boot.verifiedbootstate]: [green]
[ro.boot.warranty_bit]: [0]
[ro.bootloader]: [unknown]
[ro.build.display.id]: [AB1A.240101.001]
[ro.build.fingerprint]: [bench/one/one:14/AB1A.240101.001/1:user/release-keys]
[ro.build.tags]: [release-keys]
[ro.build.type]: [user]
[ro.build.version.release]: [14]
[ro.build.version.sdk]: [34]
[ro.build.version.security_patch]: [2024-01-05]
[ro.crypto.state]: [encrypted]
[ro.debuggable]: [0]
[ro.product.brand]: [bench]
[ro.product.device]: [one]
[ro.product.manufacturer]: [Benchmaker]
[ro.product.model]: [Bench One]
[ro.serialno]: [BENCH0001]
"""

BATTERY = """\
Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Dock powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 2155000
  status: 2
  health: 2
  present: true
  level: 54
  scale: 100
  voltage: 3870
  temperature: 287
  technology: Li-ion
"""

SAMSUNG_BATTERY = """\
Current Battery Service state:
  AC powered: true
  USB powered: false
  Wireless powered: false
  Max charging current: 0
  Charge counter: 2967000
  status: 5
  health: 2
  present: true
  level: 100
  scale: 100
  voltage: 4330
 The last voltage value sent via the battery changed broadcast: 4329
  temperature: 301
  technology: Li-ion
  current now: 12
  charge counter: 99
LLB CAL: 20240229
LLB MAN:
  FEATURE_SAVE_BATTERY_CYCLE: true
  battery FirstUseDate: [20240310]
  mSavedBatteryAsoc: [93]
  mSavedBatteryUsage: [41250]

[EventLogBuffer]
  level: 3
  voltage: 3300
  mSavedBatteryAsoc: 1
"""

BATTERYPROPERTIES = """\
ac: 0 usb: 1 wireless: 0 current_max: 500000 voltage_max: 5000000
status: 2 health: 2 present: 1
level: 61 voltage: 3910 temp: 268
current now: -412345
charge counter: 1830000
current now: -412
Full charge: 2950000
"""

HEALTH_HAL = """\
ac: 0 usb: 1 wireless: 0 dock: 0 current_max: 500000 voltage_max: 5000000
status: 2 health: 2 present: 1
level: 61 voltage: 3910 temp: 268
current now: 412345
cycle count: 211
Full charge: 4550000

getHealthInfo -> HealthInfo{chargerAcOnline: false, chargerUsbOnline: true, batteryCycleCount: 211, \
batteryFullChargeUah: 4550000, batteryFullChargeDesignCapacityUah: 5000000, batteryHealth: GOOD}
"""

BATTERYSTATS = """\
Statistics since last charge:
  System starts: 0, currently on battery: false
  Estimated battery capacity: 4380 mAh
  Last learned battery capacity: 4011 mAh
  Min learned battery capacity: 3999 mAh
  Max learned battery capacity: 4100 mAh
    Amount discharged (upper bound): 12
  Estimated power use (mAh):
    Capacity: 5000, Computed drain: 61.5, actual drain: 0-50.0
"""

BATTERYSTATS_CHECKIN = '9,0,i,vers,36,210,AB1A,AB1A\n9,hsp,0,1000,"x"\n'

POWER_SUPPLY = """\
POWER_SUPPLY_NAME=battery
POWER_SUPPLY_TYPE=Battery
POWER_SUPPLY_STATUS=Discharging
POWER_SUPPLY_HEALTH=Good
POWER_SUPPLY_PRESENT=1
POWER_SUPPLY_CAPACITY=77
POWER_SUPPLY_CYCLE_COUNT=211
POWER_SUPPLY_CHARGE_FULL=4550000
POWER_SUPPLY_CHARGE_FULL_DESIGN=5000000
POWER_SUPPLY_CURRENT_NOW=-256000
POWER_SUPPLY_VOLTAGE_NOW=3987654
POWER_SUPPLY_TEMP=-15
POWER_SUPPLY_TECHNOLOGY=Li-poly
POWER_SUPPLY_SERIAL_NUMBER=
"""

POWER_SUPPLIES = """\
DEVTYPE=power_supply
NAME=usb
TYPE=USB
ONLINE=1
CURRENT_NOW=7
DEVTYPE=power_supply
NAME=battery
TYPE=Battery
CAPACITY=50
CAPACITY=51
PRESENT=yes
"""

SENSORS = """\
Captured at: 10:11:12.131
Sensor Device:
Total 5 h/w sensors, 5 running 0 disabled clients:
0x00000001) active-count = 1; sampling_period(ms) = {66.7}, selected = 66.67 ms; batching_period(ms) = {0.0}
Sensor List:
0x00000001) ACC-7 Accelerometer       | BenchSense      | ver: 1 | type: android.sensor.accelerometer(1) | perm: n/a | flags: 0x0
\tcontinuous | minRate=1.00Hz | maxRate=400.00Hz | FIFO (max,reserved) = (10000, 0) events | non-wakeUp |
0x00000002) GYR-7 Gyroscope           | BenchSense      | ver: 1 | type: android.sensor.gyroscope(4) | perm: n/a | flags: 0x0
\tcontinuous | minRate=1.00Hz | maxRate=400.00Hz | no batching | non-wakeUp |
0x00000003) MAG-7 Magnetometer        | BenchMag        | ver: 1 | type: android.sensor.magnetic_field(2) | perm: n/a | flags: 0x0
\tcontinuous | minRate=1.00Hz | maxRate=100.00Hz | no batching | non-wakeUp |
0x00000004) ALS-7 Light               | BenchLight      | ver: 1 | type: android.sensor.light(5) | perm: n/a | flags: 0x2
\ton-change | minRate=0.02Hz | no batching | non-wakeUp |
0x00000005) ALS-7 Proximity           | BenchLight      | ver: 1 | type: android.sensor.proximity(8) | perm: n/a | flags: 0x3
\ton-change | minRate=0.02Hz | no batching | wakeUp |
0x5f67726f) Step Counter              | AOSP            | ver: 3 | type: android.sensor.step_counter(19) | perm: n/a | flags: 0x0
\tcontinuous | no batching | non-wakeUp |
Fusion States:
9-axis fusion disabled (0 clients), gyro-rate= 200.00Hz
Active sensors:
"""

OLD_SENSORS = """\
Sensor List:
ACC-1 3-axis Accelerometer      | BenchSense | 0x00000000 | maxRate=  50.00Hz | last=<  0.1,  0.2,  9.8>
MAG-1 Magnetic field sensor     | BenchMag   | 0x00000001 | maxRate=  25.00Hz | last=<  1.0,  2.0,  3.0>
ALS-1 Proximity sensor          | BenchLight | 0x00000003 | maxRate=   0.00Hz | last=<  5.0,  0.0,  0.0>
3 h/w sensors:
handle=0x00000000, active-count=0, rates(ms)={ }, selected=-0.0 ms
"""

LOLLIPOP_SENSORS = """\
Sensor List:
ACC-5 Accel   | BenchSense | version=1 |android.sensor.accelerometer| 0x00000001 | "" | type=1 | continuous | minRate=1.00Hz
PRX-5 Cover   | BenchLight | version=1 |android.sensor.proximity| 0x00000002 | "" | type=8 | on-change | minDelay=0us
9-axis fusion disabled (0 clients), gyro-rate= 200.00Hz
"""

NO_SENSORS = "No Sensors on the device\ndevInitCheck : -19\n"

CAMERA = """\

== Service global info: ==

Number of camera devices: 2
Number of normal camera devices: 2
    Device 0 maps to "0"
Active Camera Clients:
[]
Allowed user IDs: 0

== Camera service events log (most recent at top): ==
  08-14 21:22:28 : DIED client(s) with PID 812, reason: (Binder died unexpectedly)
  08-14 21:22:28 : DISCONNECT device 0 client for package com.bench.camera (PID 812)

== Camera Provider HAL legacy/0 (v2.5, remote) static info: 2 devices: ==
== Camera HAL device device@3.5/legacy/0 (v3.5) static information: ==
  API1 info:
    Has a flash unit: true
    Facing: Back
    Orientation: 90
== Camera HAL device device@3.5/legacy/1 (v3.5) static information: ==
  API1 info:
    Facing: Front
    Orientation: 270
== Camera error traces (0): ==
  No camera traces collected.
"""

OLD_CAMERA = """\
Camera module HAL API version: 0x100
Camera module name: Bench Camera Module
Number of camera devices: 2
Number of normal camera devices: 2
Camera 0 information:
  Facing: BACK
"""

NO_CAMERA_HAL = "!! No camera HAL available !!\n== Camera service events log (most recent at top): ==\n"

WIFI = """\
Wi-Fi is enabled
Verbose logging is off
curState=ConnectedState
mWifiInfo SSID: Bench, BSSID: 02:aa, AP, BSSID: 02:00:00:00:00:06, MAC: 02:00:00:00:00:07, Supplicant state: COMPLETED, \
RSSI: -47, Link speed: 433Mbps, Tx Link speed: 390Mbps, Frequency: 5180MHz, Net ID: 0, Metered hint: false, score: 60
mLastSignalLevel 4
"""

WIFI_MODERN = """\
Wi-Fi is enabled
mWifiInfo SSID: "Bench AP", BSSID: 02:00:00:00:00:06, MAC: 02:00:00:00:00:07, IP: /10.0.0.2, Security type: 2, \
Supplicant state: COMPLETED, Wi-Fi standard: 6, RSSI: -61, Link speed: 1201Mbps, Tx Link speed: 1201Mbps, \
Frequency: 6135MHz, Net ID: 1, Metered hint: false, score: 60
"""

WIFI_OFF = """\
Wi-Fi is disabled
mWifiInfo SSID: <unknown ssid>, BSSID: <none>, MAC: 02:00:00:00:00:00, Supplicant state: UNINITIALIZED, RSSI: -127, \
Link speed: -1Mbps, Frequency: -1MHz, Net ID: -1
"""

TELEPHONY = """\
last known state:
  Phone Id=0
    mCallState=0
    mRingingCallState=0
    mServiceState={mVoiceRegState=0(IN_SERVICE), mDataRegState=0(IN_SERVICE), mChannelNumber=1300, duplexMode()=1, \
mVoiceOperatorAlphaLong=Bench Mobile, mVoiceOperatorAlphaShort=Bench, isManualNetworkSelection=false(automatic)}
    mSignalStrength=SignalStrength:{mCdma=CellSignalStrengthCdma: cdmaDbm=2147483647 level=0,\
mGsm=CellSignalStrengthGsm: rssi=2147483647 ber=0,mLte=CellSignalStrengthLte: rssi=-61 rsrp=-93 rsrq=-9 rssnr=120 \
cqi=15 ta=1 level=3,mNr=CellSignalStrengthNr:{ ssRsrp = -120 },primary=CellSignalStrengthLte}
  Phone Id=1
    mCallState=2
    mServiceState={mVoiceRegState=1(OUT_OF_SERVICE), mDataRegState=1(OUT_OF_SERVICE), mVoiceOperatorAlphaLong=, \
mVoiceOperatorAlphaShort=}
    mSignalStrength=SignalStrength: 99 0 -120 -160 -120 -1 -1 99 2147483647 2147483647 0 0 0 2147483647 gsm|lte
registrations: count=1
  {callingPackage=android phoneId=1 mCallState=1}
local logs:
  mCallState=1
"""

TELEPHONY_POSITIONAL = """\
last known state:
  Phone Id=0
  mCallState=1
  mServiceState=0 1 voice home data home Bench Bench 00101 Bench Bench 00101  Unknown LTE CSS not supported
  mSignalStrength=SignalStrength: 12 4 -90 -120 -80 -120 4 90 -101 -10 30 7 2147483647 gsm|lte
"""

TELEPHONY_OLD = """\
last known state:
  mCallState=0
  mServiceState=0 home Bench Bench 00101  EDGE CSS not supported 0 0RoamInd: 0DefRoamInd: 0EmergOnly: false
  mSignalStrength=SignalStrength: 17 0 -120 -160 -120 -1 -1 gsm
"""

DF = """\
Filesystem       1K-blocks     Used Available Use% Mounted on
tmpfs              5925324     1528   5923796   1% /dev
/dev/block/dm-5  113300000 90640000  22660000  80% /data
/dev/fuse        113300000 90640000  22660000  80% /storage/emulated
"""

DF_WRAPPED = """\
Filesystem           1K-blocks      Used Available Use% Mounted on
/dev/block/platform/bench_sdcc.1/by-name/userdata
                      12000000   3000000   9000000  25% /data
"""

DISKSTATS = """\
Latency: 3ms [512B Data Write]
Recent Disk Write Speed (kB/s) = 51234
Data-Free: 22660000K / 113300000K total = 20% free
Cache-Free: 22660000K / 113300000K total = 20% free
System-Free: 1000K / 2000000K total = 0% free
File-based Encryption: true
App Size: 44743774208
"""

MEMINFO = """\
MemTotal:        7850652 kB
MemFree:          187020 kB
MemAvailable:    3398048 kB
Active(anon):    1102560 kB
SwapTotal:       4194300 kB
SwapFree:        4000000 kB
MemTotal:              1 kB
"""

GETEVENT_LISTING = """\
could not get driver version for /dev/input/mice, Not a typewriter
add device 1: /dev/input/event2
  name:     "bench-touch"
  events:
    KEY (0001): BTN_TOUCH
    ABS (0003): ABS_MT_SLOT           : value 0, min 0, max 9, fuzz 0, flat 0, resolution 0
                ABS_MT_POSITION_X     : value 0, min 0, max 1079, fuzz 0, flat 0, resolution 0
                ABS_MT_TRACKING_ID    : value 0, min 0, max 65535, fuzz 0, flat 0, resolution 0
  input props:
    INPUT_PROP_DIRECT
add device 2: /dev/input/event1
  name:     "gpio-keys"
  events:
    KEY (0001): KEY_VOLUMEUP          KEY_CAMERA
  input props:
    <none>
add device 3: /dev/input/event0
  name:     "bench_pon"
  events:
    KEY (0001): KEY_VOLUMEDOWN        KEY_POWER
  input props:
    <none>
"""

GETEVENT_NUMERIC = """\
phone:/ $ getevent -p
add device 1: /dev/input/event1
  name:     "gpio-keys"
  events:
    KEY (0001): 0035  0072  0073* 0160
                0161  0162  0163  0164
  input props:
    <none>
add device 2: /dev/input/event2
  name:     "panel"
  events:
    ABS (0003): 0035  : value 0, min 0, max 1079, fuzz 0, flat 0, resolution 0
"""

GETEVENT_LIVE = """\
add device 1: /dev/input/event2
  name:     "decoy-touch"
add device 2: /dev/input/event5
  name:     "panel"
[   12345.000001] /dev/input/event2: EV_KEY       KEY_POWER            DOWN
[   12346.000001] /dev/input/event5: EV_ABS       ABS_MT_TRACKING_ID   0000002a
[   12346.000002] /dev/input/event5: EV_ABS       ABS_MT_POSITION_X    00000100
[   12346.000003] /dev/input/event5: EV_ABS       ABS_MT_TRACKING_ID   ffffffff
"""

TOMBSTONE = """\
*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
Build fingerprint: 'bench/one/one:14/AB1A.240101.001/1:user/release-keys'
Revision: '0'
ABI: 'arm64'
Timestamp: 2024-01-02 03:04:05.678901234+0800
pid: 898, tid: 901, name: provider@2.7-se  >>> /vendor/bin/hw/android.hardware.camera.provider@2.7-service <<<
uid: 1047
signal 6 (SIGABRT), code -1 (SI_QUEUE), fault addr --------
Abort message: 'sensor gone, signal 11 (SIGSEGV), code 1 (SEGV_MAPERR)'
Cause: null pointer dereference
pid: 1, tid: 2, name: x  >>> y <<<
"""

TOMBSTONE_IN_LOG = """\
01-02 03:04:05.100   898   898 F libc    : Fatal signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0 in tid 901
01-02 03:04:05.400  1200  1200 F DEBUG   : Build fingerprint: 'bench/one/one:13/X/1:user/release-keys'
01-02 03:04:05.400  1200  1200 F DEBUG   : ABI: 'arm'
01-02 03:04:05.400  1200  1200 F DEBUG   : pid: 898, tid: 901, name: audio  >>> /vendor/bin/hw/android.hardware.audio.service <<<
01-02 03:04:05.400  1200  1200 F DEBUG   : signal 11 (SIGSEGV), code 2 (SEGV_ACCERR), fault addr 0x10
"""

TOMBSTONE_OLD = """\
Build fingerprint: 'bench/zero/zero:2.3/GRK39/1:user/release-keys'
pid: 120, tid: 121  >>> /system/bin/mediaserver <<<
signal 11 (SIGSEGV), fault addr deadbaad
"""

#: The Luhn-valid IMEI 004401234567895 as Binder sends it: exception 0, length 15, UTF-16 in little-endian words.
PARCEL = """\
Result: Parcel(
  0x00000000: 00000000 0000000f 00300030 00340034 '........0.0.4.4.'
  0x00000010: 00310030 00330032 00350034 00370036 '0.1.2.3.4.5.6.7.'
  0x00000020: 00390038 00000035                   '8.9.5...        ')
"""
PARCEL_IMEI = "004401234567895"

PARCEL_REFUSED = """\
Result: Parcel(
  0x00000000: ffffffff 0000002f 00650067 00440074 '..../...g.e.t.D.'
  0x00000010: 00760065 00630069 00490065 003a0064 'e.v.i.c.e.I.d.:.')
"""

IPHONESUBINFO = """\
Phone Subscriber Info:
  Phone Type = CDMA
  Device ID = A10000123456FE
"""

FEATURES = """\
feature:reqGlEsVersion=0x30002
feature:android.hardware.camera
feature:android.hardware.camera.any
feature:android.hardware.telephony
feature:android.hardware.wifi
feature:android.hardware.sensor.proximity
"""

DROPBOX = """\
Drop box contents: 6 entries
Max entries: 1000
Low priority rate limit period: 2000 ms

2023-11-13 10:00:00 SYSTEM_TOMBSTONE (compressed text, 6361 bytes)
    *** *** *** *** ***
2023-11-14 20:00:00 data_app_crash (text, 812 bytes)
    Process: com.bench.app/PID: 1234 ...
2023-11-14 21:00:00 SYSTEM_TOMBSTONE (compressed text, 6361 bytes)
2023-11-14 21:00:01 SYSTEM_TOMBSTONE_PROTO (data, 9000 bytes)
2023-11-14 21:30:00 system_server_watchdog (compressed text, 100 bytes)
2023-11-14 21:31:00 SYSTEM_BOOT (text, 498 bytes)
"""

CRASH_LOG = """\
--------- beginning of crash
11-14 20:00:00.123  4321  4321 E AndroidRuntime: FATAL EXCEPTION: main
11-14 20:00:00.123  4321  4321 E AndroidRuntime: Process: com.bench.app, PID: 4321
11-14 21:00:00.400  1200  1200 F DEBUG   : pid: 898, tid: 901, name: p  >>> /vendor/bin/hw/android.hardware.camera.provider@2.7-service <<<
11-14 21:00:00.400  1200  1200 F DEBUG   : signal 6 (SIGABRT), code -1 (SI_QUEUE)
12-24 21:00:00.400  1200  1200 F DEBUG   : pid: 77, tid: 77, name: r  >>> /vendor/bin/hw/rild <<<
"""

CLOCK = "1700000640 2023-11-14 22:24:00\n"

SU_NONE = "searched\n"
SU_FOUND = "found /system/xbin/su\nfound /system/xbin/su\nsearched\n"

WIFI_STATUS = """\
Wifi is enabled
Wifi scanning is only available when wifi is enabled
Wifi is connected to "Bench AP"
WifiInfo: SSID: "Bench AP", BSSID: 02:00:00:00:00:06, MAC: 02:00:00:00:00:07, Supplicant state: COMPLETED, \
RSSI: -55, Link speed: 72Mbps, Frequency: 2437MHz, Net ID: 0
"""

#: Every output by the kind that reads it.
OUTPUTS: dict[str, list[str]] = {
    "getprop": [GETPROP],
    "battery": [BATTERY, SAMSUNG_BATTERY],
    "batteryproperties": [BATTERYPROPERTIES, HEALTH_HAL],
    "batterystats": [BATTERYSTATS, BATTERYSTATS_CHECKIN],
    "power_supply": [POWER_SUPPLY, POWER_SUPPLIES],
    "sensorservice": [SENSORS, OLD_SENSORS, LOLLIPOP_SENSORS, NO_SENSORS],
    "media_camera": [CAMERA, OLD_CAMERA, NO_CAMERA_HAL],
    "wifi": [WIFI, WIFI_MODERN, WIFI_OFF],
    "wifi_status": [WIFI_STATUS],
    "telephony_registry": [TELEPHONY, TELEPHONY_POSITIONAL, TELEPHONY_OLD],
    "pm_features": [FEATURES],
    "df": [DF, DF_WRAPPED],
    "diskstats": [DISKSTATS],
    "meminfo": [MEMINFO],
    "getevent": [GETEVENT_LISTING, GETEVENT_NUMERIC, GETEVENT_LIVE],
    "tombstone": [TOMBSTONE, TOMBSTONE_IN_LOG, TOMBSTONE_OLD],
    "iphonesubinfo": [PARCEL, PARCEL_REFUSED, IPHONESUBINFO],
    "phone_imei": [f"Device IMEI: {PARCEL_IMEI}\n", "Device IMEI: Permission denied.\n"],
    "dropbox": [DROPBOX],
    "crash_log": [CRASH_LOG],
    "phone_clock": [CLOCK],
    "su_search": [SU_NONE, SU_FOUND],
}

#: Facts that grow with what was printed so far, facts that hold line numbers, and kinds that no bug report holds so.
GROWING: set[str] = set()
NUMBERED: set[str] = set()
UNFRAMED = {"pm_features", "su_search", "phone_clock", "crash_log"}

# Further outputs are in modules beside this one, each with an `OUTPUTS` and, where it needs them, these.
for _path in sorted(Path(__file__).parent.glob("outputs_*.py")):
    _module = importlib.import_module(_path.stem)
    for _kind, _outputs in _module.OUTPUTS.items():
        OUTPUTS[_kind] = [*OUTPUTS.get(_kind, ()), *_outputs]
    GROWING |= getattr(_module, "GROWING", set())
    NUMBERED |= getattr(_module, "NUMBERED", set())
    UNFRAMED |= getattr(_module, "UNFRAMED", set())
