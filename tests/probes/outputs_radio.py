"""What phones print about their radios, written for the tests in the shapes of the platform's own dumps."""

from __future__ import annotations

BLUETOOTH = """\
Bluetooth Status
  enabled: true
  state: ON
  address: 02:00:5E:00:00:07
  name: Aurora 8
  time since enabled: 01:12:44.310

Enable log:
  02-06 09:11:03  Enabled  due to SYSTEM_BOOT by android

Bluetooth crashed 2 times
  02-06 09:40:10
  02-06 09:41:55

0 BLE appsregistered

AdapterProperties
  Name: Aurora 8
  Address: 02:00:5E:00:00:07
  Bonded devices:
    02:00:5E:00:00:21 [DUAL] Bench headset
    02:00:5E:00:00:22 [BR/EDR] Bench car
mSnoopLogSettingAtEnable = empty

GATT Scanner Map
  BenchBeacon rssi=-61
  BenchBeacon rssi=-47
  Someone else rssi=-20
"""
BLUETOOTH_HIDDEN = """\
Bluetooth Status:
  State:         ON
  Address:       XX:XX:XX:XX:00:07
  Name:          Aurora 8
  Inner app:     com.android.bluetooth
  Uptime:        2h 4m

Bluetooth crashed 1 time
"""
BLUETOOTH_LIMBO = """\
Bluetooth Status
  enabled: false
  state: BLE_ON
  address: null
  name: null
Bluetooth never enabled!

Bluetooth crashed 0 times

Bluetooth Service not connected
"""
BLUETOOTH_LINE = "Bluetooth OFF\n"

NFC = """\
mState=on
mIsZeroClickRequested=false
mScreenState=ON_UNLOCKED
mIsSecureNfcEnabled=false
mIsAlwaysOnSupported=true
mTechMask: default
mEnableLPD: true
mEnableReader: true
mEnableHostRouting: false
mEnableP2p: false
NCI version: 2.0
Last tag: UID=04:A2:2B:6A:B1:5C:80
Registered HCE services for current user:
"""
NFC_OFF = """\
mState=off
mIsZeroClickRequested=true
mScreenState=OFF_LOCKED
mTechMask: 0
mEnableLPD: true
mEnableReader: false
mEnableHostRouting: false
mEnableP2p: false
"""

LOCATION = """\
Location Manager State:
  User Info:
    current users: u0
  Location Settings:
    Location Setting:
      [u0] true
  Location Providers:
    gps provider:
      user 0:
        last location=Location[gps 0.000000,0.000000 hAcc=3.2 {Bundle[{satellites=21, maxCn0=47, meanCn0=35.5}]}]
      mStarted=true   (changed +12s ago)
      Satellite Data for 3 satellites::
GNSS_KPI_START
  KPI logging start time: +10s839ms
  KPI logging end time: +22m18s629ms
  Number of location reports: 610
  Percentage location failure: 0.4
  Number of TTFF reports: 3
  TTFF mean (sec): 4.25
  TTFF standard deviation (sec): 1.5
  Number of position accuracy reports: 610
  Position accuracy mean (m): 4.123456789
  Number of CN0 reports: 612
  Top 4 Avg CN0 mean (dB-Hz): 41.23456
  Top 4 Avg CN0 standard deviation (dB-Hz): 1.25
  Number of L5 CN0 reports: 20
  L5 Top 4 Avg CN0 mean (dB-Hz): 37.5
  Used-in-fix constellation types: GPS GLONASS BEIDOU GALILEO
GNSS_KPI_END
"""
LOCATION_OFF = """\
Current Location Manager state:
  Current System Time: 02-06 15:31:52.271, Current Elapsed Time: +2m18s627ms
  Location mode: false
  Last Known Locations:
  gps provider:
GNSS_KPI_START
  Number of location reports: 0
  Number of TTFF reports: 0
  Number of CN0 reports: 0
  Used-in-fix constellation types:
GNSS_KPI_END
"""
LOCATION_OLD = """\
Current Location Manager state:
  Last Known Locations:
    gps: Location[gps 0.000000,0.000000 acc=340282346638528860000000000000000000000 alt=-4.0 {Bundle[{satellites=7}]}]
gps Internal State:
  mEngineCapabilities=0x31 ( SCHEDULING ON_DEMAND_TIME GEOFENCING )
"""

OUTPUTS = {
    "bluetooth_manager": [BLUETOOTH, BLUETOOTH_HIDDEN, BLUETOOTH_LIMBO, BLUETOOTH_LINE],
    "nfc": [NFC, NFC_OFF],
    "location": [LOCATION, LOCATION_OFF, LOCATION_OLD],
}
#: Said once more with every line that says it.
GROWING = {"bonded_devices", "gnss_kpi_present", "gps_zero_fix"}
