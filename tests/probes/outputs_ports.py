"""Outputs about storage, USB, sound and parts in the shapes that phones print, written for these tests."""

# ruff: noqa: E501 - the lines are as long as phones print them

from __future__ import annotations

USB = """\
USB MANAGER STATE (dumpsys usb):
{
  device_manager={
    handler={
      current_functions_applied=true
      connected=true
      configured=true
      host_connected=false
      usb_charging=false
      kernel_state=CONFIGURED
      kernel_function_list=ffs
    }
  }
  port_manager={
    usb_ports={
      port={
        id=port0
        supported_modes=dual
      }
      status={
        connected=true
        current_mode=ufp
        power_role=sink
        data_role=device
        role_combinations=[
          {
            power_role=source
            data_role=host
          }
        ]
        contaminant_presence_status=not-detected
        compliance_warnings=[]
      }
    }
  }
}
"""

USB_INDENTED = """\
USB Manager State:
  USB Device State:
    mCurrentFunctions: mtp,adb
    mConnected: true
    mConfigured: true
    Kernel state: CONFIGURED
  USB Port State:
    port0: port=UsbPort{id=port0, supportedModes=dual}, status=UsbPortStatus{connected=true, currentMode=ufp, currentPowerRole=sink, currentDataRole=device, supportedRoleCombinations=[source:host]}, canChangeMode=true
"""

USB_OLD = """\
USB Manager State:
  mConnected: true
  Enabled Functions:
    adb
"""

USB_FILES = """\
/sys/class/udc/4e000000.dwc3/current_speed: high-speed
/sys/class/udc/4e000000.dwc3/maximum_speed: super-speed
/sys/class/udc/4e000000.dwc3/state: configured
/sys/class/typec/port0/orientation: reverse
"""

LSUSB = """\
Bus 003 Device 021: ID 0bad:cafe Bench Phones
Device Descriptor:
  bLength                18
  bcdUSB               2.10
  idVendor           0x0bad Bench Phones
  idProduct          0xcafe
  iManufacturer           1 Bench
  iProduct                2 Bench Phone
  iSerial                 3 000BENCH0001
  Configuration Descriptor:
    MaxPower              500mA
    Interface Descriptor:
      bInterfaceClass         6 Imaging
      bInterfaceSubClass      1 Still Image Capture
      bInterfaceProtocol      1 Picture Transfer Protocol (PIMA 15470)
      iInterface              4 MTP
    Interface Descriptor:
      bInterfaceClass       255 Vendor Specific Class
      bInterfaceSubClass     66
      bInterfaceProtocol      1
      iInterface              0
Device Status:     0x0001
"""

AUDIO = """\
MediaFocusControl dump time: 10:11:12
Stream volumes (device: index)
- STREAM_VOICE_CALL:
   Muted: false
   Min: 1
   Max: 7
   Current: 1 (earpiece): 5, 2 (speaker): 4, 40000000 (default): 4
   Devices: earpiece
- STREAM_RING:
   Muted: true
   Min: 0
   Max: 7
   Current: 2 (speaker): 0, 40000000 (default): 5
   Devices: speaker
- STREAM_MUSIC:
   Muted: false
   Min: 0
   Max: 15
   streamVolume:0
   Current: 2 (speaker): 0, 4 (headset): 4, 40000000 (default): 5
   Devices: speaker

- mute affected streams = 0x6f

Ringer mode:
- mode (internal) = VIBRATE
- mode (external) = VIBRATE
"""

FLINGER = """\
Libraries loaded:
 Library downmix
Hardware status: 0
Standby Time mSec: 3000

Output thread 0x7b12400000, name AudioOut_D, tid 900, type 0 (MIXER):
  I/O handle: 13
  Standby: yes
  Sample rate: 48000 Hz
  Output device: 0x2 (AUDIO_DEVICE_OUT_SPEAKER)
  Total writes: 4120
  Blocked in write: no
  Standby delay ns=3000000000
  mMasterMute: 0
Output thread 0x7b12500000, name AudioOut_15, tid 901, type 0 (MIXER):
  Standby: no
  Sample rate: 44100 Hz
  Output device: 0x4 (AUDIO_DEVICE_OUT_WIRED_HEADSET)
  Total writes: 0
  Blocked in write: yes
Input thread 0x7b12600000, name AudioIn_16, tid 902, type 3 (RECORD):
  Sample rate: 16000 Hz
"""

POLICY = """\
AudioPolicyManager: 0x7b1240
 Primary Output I/O handle: 13
 Available output devices (2):
  1. Port ID: 2; "Earpiece"; {AUDIO_DEVICE_OUT_EARPIECE, @:}
  2. Port ID: 3; "Speaker"; {AUDIO_DEVICE_OUT_SPEAKER, @:}
 Available input devices (1):
  1. Port ID: 4; "Built-In Mic"; {AUDIO_DEVICE_IN_BUILTIN_MIC, @:bottom}
 Hardware modules (1):
  1. Handle: 10; "primary"
   - Attached devices: {AUDIO_DEVICE_OUT_TELEPHONY_TX, @:}
"""

POLICY_OLD = """\
AudioPolicyManager: 0xb1240
- Available output devices:
  Device 1:
  - id:  1
  - tag name: Speaker
  - type: AUDIO_DEVICE_OUT_SPEAKER
- Available input devices:
  Device 1:
  - id:  2
  - tag name: Built-In Mic
  - type: AUDIO_DEVICE_IN_BUILTIN_MIC

HW Modules dump:
"""

UFS_HEALTH = """\
------ (/sys/devices/platform/1d84000.ufshc/health_descriptor/eol_info) ------
0x01
------ (/sys/devices/platform/1d84000.ufshc/health_descriptor/life_time_estimation_a) ------
0x03
------ (/sys/devices/platform/1d84000.ufshc/health_descriptor/life_time_estimation_b) ------
0x02
------ (/sys/devices/platform/1d84000.ufshc/err_stats/fatal_err_count) ------
2
------ (/sys/block/sda/device/model) ------
BENCH-UFS 31
"""

EMMC_HEALTH = """\
------ (/sys/class/mmc_host/mmc0/mmc0:0001/life_time) ------
0x02 0x04
------ (/sys/class/mmc_host/mmc0/mmc0:0001/name) ------
BNCH64
------ (/sys/class/mmc_host/mmc0/mmc0:0001/pre_eol_info) ------
0x02
"""

EXT_CSD = """\
eMMC Life Time Estimation A [EXT_CSD_DEVICE_LIFE_TIME_EST_TYP_A]: 0x05
eMMC Life Time Estimation B [EXT_CSD_DEVICE_LIFE_TIME_EST_TYP_B]: 0x0b
eMMC Pre EOL information [EXT_CSD_PRE_EOL_INFO]: 0x03
"""

STORAGE_OF_HAL = """\
getHealthInfo -> HealthInfo{chargerAcOnline: false, batteryLevel: 50, storageInfos: [StorageInfo{eol: 1, lifetimeA: 2, lifetimeB: 3, version: ufs 310}], batteryHealth: GOOD}
"""

PART_FILES = """\
/sys/class/lcd/panel/cell_id:4C1F00A2B7
/sys/class/lcd/panel/lcd_type:BOE_NT37701
/sys/class/mmc_host/mmc0/mmc0:0001/name:BNCH64
/sys/class/fingerprint/fingerprint/name:QFS4008
part files read
"""

RAILS = """\
/sys/class/regulator/regulator.0/name:regulator-dummy
/sys/class/regulator/regulator.1/name:vdd_core
/sys/class/regulator/regulator.1/status:normal
/sys/class/regulator/regulator.1/microvolts:752000
/sys/class/regulator/regulator.2/name:vcc_touch
/sys/class/regulator/regulator.2/status:error
/sys/class/regulator/regulator.2/microvolts:0
"""

OUTPUTS: dict[str, list[str]] = {
    "power_rails": [RAILS],
    "usb": [USB, USB_INDENTED, USB_OLD],
    "usb_files": [USB_FILES],
    "lsusb_v": [LSUSB],
    "audio": [AUDIO],
    "audio_flinger": [FLINGER],
    "audio_policy": [POLICY, POLICY_OLD],
    "storage_health": [UFS_HEALTH, EMMC_HEALTH, EXT_CSD, STORAGE_OF_HAL],
    "part_files": [PART_FILES],
}

#: Counts and lists that grow, and flags that are true of any thread or interface seen so far.
GROWING = {
    "output_threads", "input_threads", "blocked_in_write", "available_devices", "interfaces", "interface_names", "adb",
    "errors", "inventory", "rails",
}  # fmt: skip
