"""What phones print about battery, charging and heat, written for the tests in the shapes that real phones print."""

from __future__ import annotations

THERMALSERVICE = """\
IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 2
\tkilled: false
\tbroadcasts count: -1
ThermalStatusListeners:
\tcallbacks: 2
\tkilled: false
\tbroadcasts count: -1
Thermal Status: 1
Cached temperatures:
\tTemperature{mValue=51.2, mType=0, mName=cpu-1-1, mStatus=0}
\tTemperature{mValue=36.900002, mType=3, mName=case top, mStatus=1}
HAL Ready: true
HAL connection:
\tThermalHAL AIDL 1  connected: yes
Current temperatures from HAL:
\tTemperature{mValue=37.4, mType=3, mName=case top, mStatus=1}
\tTemperature{mValue=48.25, mType=0, mName=cpu-1-1, mStatus=0}
\tTemperature{mValue=NaN, mType=12, mName=modem, mStatus=0}
\tTemperature{mValue=3911.0, mType=6, mName=vbat, mStatus=0}
\tTemperature{mValue=28.6, mType=2, mName=battery, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=1, mType=2, mName=thermal-cpufreq-0}
Temperature static thresholds from HAL:
\tTemperatureThreshold{mType=3, mName=case top, mHotThrottlingThresholds=[NaN, 37.0, 39.0, 41.0, 43.0, 45.0, 55.0], \
mColdThrottlingThresholds=[NaN, NaN, NaN, NaN, NaN, NaN, NaN]}
"""

HARDWARE_PROPERTIES = """\
****** Dump of HardwarePropertiesManagerService ******
CPU temperatures: [41.5, 43.0, -3.4028235E38]
CPU throttling temperatures: [90.0, 90.0, 90.0]
CPU shutdown temperatures: [115.0, 115.0, 115.0]
CPU vr throttling temperatures: [-3.4028235E38, -3.4028235E38, -3.4028235E38]
GPU temperatures: [39.1]
GPU throttling temperatures: [90.0]
Battery temperatures: [-3.4028235E38]
Battery throttling temperatures: [-3.4028235E38]
Skin temperatures: [33.5]
Skin throttling temperatures: [33.0]
Fan speed: []

****** End of HardwarePropertiesManagerService dump ******
"""

THERMAL_ZONES = """\
/sys/class/thermal/thermal_zone0/temp:31400
/sys/class/thermal/thermal_zone0/type:battery
/sys/class/thermal/thermal_zone1/type:modem-pa
/sys/class/thermal/thermal_zone10/temp:-40000
/sys/class/thermal/thermal_zone10/type:xo-therm
/sys/class/thermal/thermal_zone2/temp:57
/sys/class/thermal/thermal_zone2/type:soc
"""

THERMAL_DUMP = """\
------ Section start: dump_thermal.sh ------
Temperatures
battery: 31400
rf_therm:
soc: 57
xo_therm: -40000
Cooling Device Current State
tpu_cooling: 20000
"""

TRADE_IN = """\
{
  "attestation": {"certificates": "MIIB"},
  "battery": {
    "cycle_count": 212,
    "health": 91,
    "serial": "AB12CD34",
    "part_status": "replaced",
    "state": 2,
    "manufacturing_date": 1690848000,
    "first_usage_date": 0
  },
  "storage": {"useful_lifetime_remaining": 88, "capacity_bytes": "256000000000"},
  "hinge": {"hinges": [{"num_times_folded": 5000, "rated_lifespan": 200000}]},
  "screen": {"screens": [{"part_status": "original"}, {"part_status": "replaced"}]},
  "sensors": {"moisture_intrusion": false},
  "launch_level": 36,
  "locks": {"factory_reset_protection": false},
  "product": {"brand": "bench", "device": "b1", "manufacturer": "Bench", "model": "B 1", "name": "b1"},
  "imeis": ["004400152020002", "004400152020010"],
  "serial": "BENCH0001",
  "uiccs": [{"esim": true}]
}
"""
TRADE_IN_LOCKED = 'status:\n{"locks":{"factory_reset_protection":true}}\n'

BATTERY_PROPERTY = """\
property 7
Result: Parcel(
  0x00000000: 00000000 00000000 00000001 655bf400 '.............[e'
  0x00000010: 00000000 ffffffff                   '........'        )
property 8
Result: Parcel(
  0x00000000: 00000000 00000000 00000001 00000000 '................'
  0x00000010: 00000000 ffffffff                   '........'        )
property 9
Result: Parcel(
  0x00000000: 00000000 00000000 00000001 00000004 '................'
  0x00000010: 00000000 ffffffff                   '........'        )
property 10
Result: Parcel(
  0x00000000: 00000000 00000000 00000001 0000005b '............[...'
  0x00000010: 00000000 ffffffff                   '........'        )
property 11
Result: Parcel(
  0x00000000: 00000000 00000000 00000001 00000000 '................'
  0x00000010: 80000000 00000008 31434241 34333532 '........ABC12534'
  0x00000020: 00000000                            '....'            )
property 12
Result: Parcel(
  0x00000000: 00000000 00000000 00000001 00000002 '................'
  0x00000010: 00000000 ffffffff                   '........'        )
android.os.extra.CYCLE_COUNT=212
"""
BATTERY_PROPERTY_REFUSED = """\
property 10
Result: Parcel(
  0x00000000: ffffffff 00000018 006f004e 00200074 '........N.o.t. .'
  0x00000010: 006c0061 006f006c                   'a.l.l.o.'        )
property 12
Result: Parcel(
  0x00000000: 00000000 ffffffff 00000001 00000000 '................'
  0x00000010: 80000000                            '....'            )
"""
BATTERY_PROPERTY_OLD = "property none\n"

BATTERY_NODES = """\
/sys/class/oplus_chg/battery/battery_soh:93
/sys/class/power_supply/bms/soh:90
/sys/class/oplus_chg/battery/battery_cc:318
/sys/class/oplus_chg/battery/battery_fcc:4410
/sys/class/oplus_chg/battery/design_capacity:4870
/sys/class/oplus_chg/battery/battery_manu_date:2023-03-15
vendor files read
"""

SWELLING = "temp/soc\tcharge(s)\tdischarge(s)\n30/90\t1400\t4000\n40/95\t3600\t7200\n"
CHARGE_DETAILS = "A: USB_PD_PPS,0,0,0\nS: 85,4208, 92,4332\n"
HEALTH_INDEX = "0: -1, 100,100,113 1997,5123,86400 7136,294, 0\n1: 0, 93,104,113 1997,5123,86400 7136,294, 0\n"

OUTPUTS: dict[str, list[str]] = {
    "thermalservice": [THERMALSERVICE],
    "hardware_properties": [HARDWARE_PROPERTIES],
    "thermal_zones": [THERMAL_ZONES, THERMAL_DUMP],
    "trade_in": [TRADE_IN, TRADE_IN_LOCKED],
    "battery_property": [BATTERY_PROPERTY, BATTERY_PROPERTY_REFUSED, BATTERY_PROPERTY_OLD],
    "battery_nodes": [BATTERY_NODES],
    "battery_health": [SWELLING, CHARGE_DETAILS, HEALTH_INDEX],
}

GROWING = {
    *("cached_count", "current_count", "sensors", "cooling", "zones", "temperatures_C"),
    *("silent_zones", "open_zones", "unclear_zones", "swelling", "index_rows"),
}

DRAIN = """\
Statistics since last charge:
  Time on battery: 1d 2h 0m 0s 0ms (97.2%) realtime, 3h 0m 0s 500ms (11.5%) uptime
  Time on battery screen off: 1d 0h 0m 0s 0ms (92.3%) realtime, 1h 30m 0s 0ms (5.7%) uptime
  Discharge: 1500 mAh
  Screen off discharge: 600 mAh
  Screen on: 1h 30m 0s 0ms (5.8%) 31x, Interactive: 1h 29m 0s 0ms (5.7%)
  Total partial wakelock time: 2h 0m 0s 20ms
  Estimated power use (mAh):
    Capacity: 4000, Computed drain: 11911, actual drain: 480-680
    Bluetooth: 10985 ( wake=0.00000583 bt=10985 ) Including smearing: 11191 ( proportional=206 )
    Screen: 217 Excluded from smearing
    Uid u0a16: 86.4 ( wake=1.16 radio=75.0 ) Including smearing: 129 ( screen=40.1 proportional=2.37 )
    Uid 1000: 32.1 ( wake=0.355 radio=25.5 )
    Uid u11a106: .5 ( cpu=.5 )

  All kernel wake locks:
  Kernel Wake lock ipc: alarm: 9s 5ms (3 times) realtime
  Kernel Wake lock PowerManagerService.WakeLocks: 1h 2m 3s 4ms (51 times) realtime

  All partial wake locks:
  Wake lock u0a16 *job*/bench.app/.Sync: 12m 0s 0ms (9 times) max=300 realtime
"""
DRAIN_NEW = """\
Statistics since last charge:
  Estimated power use (mAh):
    Capacity: 5000, Computed drain: 123, actual drain: 120
    Global
      screen: 10.0 apps: 10.0 duration: 30m 0s 0ms
      mobile_radio: 40.0 apps: 39.0
    UID u0a123: 50.5 fg: 20 (10m) bg: 30 (20m)
        screen=10.0 cpu=30.5
    UID 1000: 25 bg: 25
"""
DRAIN_ARABIC = "  Discharge: \u0661\u0662\u0663\u066b\u0665 mAh\n    Uid u0a7: \u0660\u066b\u0667\u0669 ( cpu=0 )\n"
DRAIN_COMMA = "  Discharge: 30,1 mAh\n    Uid u0a7: 0,79 ( cpu=0,79 )\n"
PACKAGE_UIDS = "package:bench.app uid:10016\npackage:bench.two uid:10016,1110016\npackage:android uid:1000\n"

OUTPUTS |= {
    "battery_drain": [DRAIN, DRAIN_NEW, DRAIN_ARABIC, DRAIN_COMMA],
    "package_uids": [PACKAGE_UIDS],
}
GROWING |= {"apps", "parts", "kernel_locks", "locks", "uids"}

CHARGE_SUPPLIES = """\
DEVTYPE=power_supply
POWER_SUPPLY_NAME=battery
POWER_SUPPLY_TYPE=Battery
POWER_SUPPLY_STATUS=Charging
POWER_SUPPLY_CURRENT_NOW=1520000
POWER_SUPPLY_VOLTAGE_NOW=4012000
DEVTYPE=power_supply
POWER_SUPPLY_NAME=usb
POWER_SUPPLY_TYPE=USB
POWER_SUPPLY_TYPE=USB_PD
POWER_SUPPLY_ONLINE=1
POWER_SUPPLY_VOLTAGE_NOW=8980000
POWER_SUPPLY_USB_TYPE=Unknown SDP CDP DCP C [PD] PD_PPS
/sys/class/typec/port0/orientation=reverse
/sys/class/typec/port0/power_operation_mode=usb_power_delivery
"""
OUTPUTS |= {"charge_supplies": [CHARGE_SUPPLIES]}
GROWING |= {"supplies"}
