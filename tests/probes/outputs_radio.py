"""What phones print about their radios, written for the tests in the shapes of the platform's own dumps."""

# ruff: noqa: E501 - lines as phones print them
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

WIFI_SCAN = """\
    BSSID              Frequency      RSSI           Age(sec)     SSID                                 Flags
  02:00:5e:10:20:30       5220    -51(0:-53/1:-55)     2.619    BenchNet                          [WPA2-PSK-CCMP][RSN-PSK-CCMP][ESS]
  02:00:5e:10:20:2f       2437    -44(0:-44/1:-71)     3.300    BenchNet                          [WPA2-PSK-CCMP][ESS][WPS]
  02:00:5e:00:00:61       6115        -65              0.710    Next door 6G                      [RSN-SAE-CCMP][ESS][MFPR][MFPC]
  02:00:5e:00:00:62       2412        -83          >1000.0      Far, [away]                       [ESS]
  02:00:5e:00:00:63       2462    -77(0:-78/1:-80)    12,340                                      [WPA2-PSK-CCMP][ESS]
  02:00:5e:00:00:64       2417        -90          ___?___      Nobody                            [ESS]
"""
WIFI_SCAN_OLD = """\
Latest scan results:
  BSSID              Frequency   RSSI  Flags             SSID
  02:00:5e:00:00:0a       2417    -68  [WPA-PSK-TKIP+CCMP][WPA2-PSK-TKIP+CCMP]  TestAP2
  02:00:5e:00:00:0b       2462    -81  [WPA-PSK-TKIP]    Test AP With Blanks
"""
SUBSCRIPTIONS = """\
activeDataSubId=5
Active subscriptions:
 id=3
simSlotIndex=1
isEmbedded=1
 id=4
simSlotIndex=-1
isEmbedded=0
 id=5
simSlotIndex=0
isEmbedded=0
All Subscription Info List:
 id=9
simSlotIndex=1
isEmbedded=0
"""
SUBSCRIPTIONS_WHOLE = """\
SubscriptionController:
 defaultDataSubId=9
++++++++++++++++++++++++++++++++
 ActiveSubInfoList:
  {id=9 iccId=891480000[****] simSlotIndex=0 carrierId=1839 displayName=Bench isEmbedded=false nativeAccessRules=null cardId=8}
++++++++++++++++++++++++++++++++
 AllSubInfoList:
  {id=2 iccId=891480000[****] simSlotIndex=1 carrierId=1839 displayName=Old isEmbedded=true cardId=8}
"""
NETWORKS = """\
Active default network: 106
  NetworkAgentInfo{network{104}  handle{1}  ni{MOBILE[LTE] CONNECTED extra: ims} nc{[ Transports: CELLULAR Capabilities: IMS&NOT_METERED&VALIDATED]}}
  NetworkAgentInfo{network{106}  handle{2}  ni{MOBILE[LTE] CONNECTED extra: internet} Score(Policies : IS_VALIDATED ; KeepConnected : 0)  lp{{InterfaceName: rmnet16}}  nc{[ Transports: CELLULAR Capabilities: SUPL&INTERNET&NOT_RESTRICTED&TRUSTED&VALIDATED&FOREGROUND LinkUpBandwidth>=15000Kbps Specifier: <TelephonyNetworkSpecifier [mSubId = 5]>]}}
"""
NETWORKS_OLD = """\
Active default network: 100
  NetworkAgentInfo [WIFI () - 100]
  NetworkAgentInfo{ ni{[type: WIFI[], state: CONNECTED/CONNECTED]}  network{100}  lp{{InterfaceName: wlan0}}  nc{[ Transports: WIFI Capabilities: INTERNET&NOT_RESTRICTED&TRUSTED&NOT_VPN]}  Score{60}  everValidated{true}  lastValidated{true} created{true} }
  NetworkAgentInfo{ ni{[type: MOBILE[LTE], state: CONNECTED/CONNECTED]}  network{101}  nc{[ Transports: CELLULAR Capabilities: INTERNET&TRUSTED Specifier: <1>]}  Score{10}  everValidated{false}  lastValidated{false} }
"""
NETWORKS_NONE = "Active default network: none\n"
UWB = """\
---- Dump of UwbServiceCore ----
Device state = DEVICE_STATE_READY for chip id = default
mLastAdapterStateChangedReason = 4
---- Dump of UwbServiceCore ----
"""
UWB_OLD = "---- Dump of UwbServiceCore ----\ndevice state = DEVICE_STATE_OFF for chip id = default\n"
RADIO_SERVICES = """\
Service consumer_ir: found
Service uwb: not found
Service broadcastradio: not found
package:com.caf.fmradio
"""

OUTPUTS = {
    "wifi_scan": [WIFI_SCAN, WIFI_SCAN_OLD],
    "isub": [SUBSCRIPTIONS, SUBSCRIPTIONS_WHOLE],
    "connectivity": [NETWORKS, NETWORKS_OLD, NETWORKS_NONE],
    "uwb": [UWB, UWB_OLD],
    "radio_services": [RADIO_SERVICES],
    "bluetooth_manager": [BLUETOOTH, BLUETOOTH_HIDDEN, BLUETOOTH_LIMBO, BLUETOOTH_LINE],
    "nfc": [NFC, NFC_OFF],
    "location": [LOCATION, LOCATION_OFF, LOCATION_OLD],
}
#: Said once more with every line that says it.
GROWING = {
    "bonded_devices", "gnss_kpi_present", "gps_zero_fix", "access_points", "bands", "best_2g4_dBm", "best_5g_dBm",
    "best_6g_dBm", "cellular_connected", "wifi_connected",
}  # fmt: skip
