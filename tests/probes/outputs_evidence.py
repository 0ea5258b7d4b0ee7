"""Bootloader, modem, iPhone and log outputs in the shapes that phones print them, written for these tests."""

# ruff: noqa: E501 - the lines are as long as phones print them

from __future__ import annotations

FASTBOOT = """\
(bootloader) kernel: uefi
(bootloader) version-bootloader: BB-1.0-uefi-0000
(bootloader) product: benchone
(bootloader) secure: yes
(bootloader) ufs: 128GB BENCH B1
(bootloader) emmc: N/A
(bootloader) serialno: BENCH0001
(bootloader) imei:
(bootloader) imei2: 356938035643817
(bootloader) securestate: flashing_locked
(bootloader) iswarrantyvoid: no
(bootloader) battery-voltage: 3871
(bootloader) ro.build.fingerprint[0]: bench/one/one:14/AB1A.24
(bootloader) ro.build.fingerprint[1]: 0101.001/1:user/release-
(bootloader) ro.build.fingerprint[2]: keys
(bootloader) verity-state: enforcing (0)
all: listed above
Finished. Total time: 0.112s
"""
FASTBOOT_TIGHT = """\
(bootloader) unlocked:yes
(bootloader) battery-soc-ok:no
(bootloader) battery-voltage:3312mV
(bootloader) version-bootloader:
(bootloader) partition-type:userdata:f2fs
(bootloader) partition-size:userdata: 0xCB5AF2000
(bootloader) is-logical:unlocked:no
(bootloader) anti:4
"""

AT_REGISTERED = 'AT+CREG?\r\n  +CREG: 2,1,"1F2E","0A0B0C0D",7\r\n\r\nOK\r\n'
AT_UNCLOSED = 'AT+CREG?\n+CREG: 2,5,"1F2E,"00FF\nOK\n'
AT_LOG = "send: AT+CPIN?<CR>\nrecv: <CR><LF>+CME ERROR: 10<CR><LF>\n"
AT_SAMSUNG = "AT+DEVCONINFO\r\n+DEVCONINFO: MN(SM-B000);VER(B000A/B000B);PRD(BTU);AID();SN(R00BENCH);IMEI(356938035643809);LOCK(NONE)\r\n\r\nOK\r\n"

IDEVICEINFO = """\
ActivationState: Activated
ActivationStateAcknowledged: true
BasebandKeyHashInformation: \n AKeyStatus: 2
BasebandStatus: BBInfoAvailable
BasebandVersion: 1.00.00
BoardId: 12
BrickState: false
BuildVersion: 20A000
CPUArchitecture: arm64e
CarrierBundleInfoArray[1]: \n 0: \n  CFBundleIdentifier: com.apple.Bench_LTE
  CFBundleVersion: 38.0
  MCC: 001
  MNC: 01
  kCTPostponementInfoAvailable: SIMCarrierInfo
ChipID: 33040
DeviceClass: iPhone
DeviceName: Bench’s iPhone: the second
ProductType: iPhone14,5
ProductVersion: 16.0
SerialNumber: BENCH00001
"""

IOREG_TEXT = """\
{
    AdapterDetails =     {
        Voltage = 5000;
    };
    BatteryData =     {
        CycleCount = 1;
        DesignCapacity = 2;
        Serial = "<00>;
    };
    CycleCount = 312;
    DesignCapacity = 3227;
    FullyCharged = 0;
    IOInterruptSpecifiers =     (
        <03000000>
    );
    InstantAmperage = 18446744073709551200;
    Serial = "BENCH-BATTERY";
    Temperature = 2890;
    Voltage = 3912;
}
"""
IOREG_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0">
<dict>
	<key>IORegistry</key>
	<dict>
		<key>BatteryData</key>
		<dict>
			<key>CycleCount</key>
			<integer>1</integer>
		</dict>
		<key>BootPathUpdated</key>
		<array/>
		<key>CycleCount</key>
		<integer>98</integer>
		<key>DesignCapacity</key>
		<integer>3349</integer>
		<key>IsCharging</key>
		<true/>
	</dict>
</dict>
</plist>
"""
IOREG_EMPTY = '<plist version="1.0">\n<dict>\n\t<key>IORegistry</key>\n\t<dict>\n\t</dict>\n</dict>\n</plist>\n'

DMESG = """\
<6>[    0.000000] Booting Linux on physical CPU 0x0
<5>[    0.000000] Linux version 4.14.0-bench (bench@bench) #1 SMP PREEMPT
<3>[    2.101000] goodix_ts 1-005d: probe of 1-005d failed with error -121
<6>[    2.300000] input: bench_fts_ts as /devices/platform/soc/1-0038/input/input1
<3>[    3.000100] bench-sound soc:sound: snd_soc_register_card failed (-517)
<3>[    3.100000] i2c_qup 78b7000.i2c: i2c error status: -107
<3>[  120.500000] bq27x00-battery 2-0055: i2c read for 0x0a failed
<4>[ 1200.000001][    T1] mmc0: cache flush error -110
<0>[ 1300.000000] [2:kworker/2:1: 88] Kernel panic - not syncing: bench
"""
DMESG_DEAD_TOUCH = """\
[    0.000000] Linux version 5.10.0-bench
[    1.900000] (3)[1:swapper/0]ilitek_ts 1-0041: probe of 1-0041 failed with error -6
[    2.000000] (3)[1:swapper/0]focaltech_ts: fts_probe: probe failed
[    2.500000] (3)[1:swapper/0]input: gpio-keys as /devices/platform/gpio-keys/input/input0
"""
LOGCAT = """\
--------- beginning of main
11-14 20:59:58.001  1000   700   711 I SensorService: activate accelerometer
11-14 20:59:59.002  1000   700   711 E Sensors : couldn't find 'Bench proximity sensor' input device
--------- beginning of crash
11-14 21:00:00.400  1200  1200 F DEBUG   : pid: 898, tid: 901, name: p  >>> /vendor/bin/hw/android.hardware.nfc@1.2-service <<<
11-14 21:00:00.400  1200  1200 F DEBUG   : signal 6 (SIGABRT), code -1 (SI_QUEUE)
11-14 21:00:01.000  4321  4321 E AndroidRuntime: Process: com.bench.app, PID: 4321
"""
LOGCAT_BRIEF = """\
E/AndroidRuntime( 123): *** FATAL EXCEPTION IN SYSTEM PROCESS: main
11-14 21:00:00.400 I/ActivityManager(  700): Start proc com.bench.app
"""
DROPBOX_PRINTED = """\
Drop box contents: 3 entries

========================================
2023-11-14 20:00:00 SYSTEM_TOMBSTONE (compressed text, 6361 bytes)
isPrevious: true

*** *** *** *** *** *** *** *** *** *** *** *** *** *** *** ***
pid: 898, tid: 901, name: p  >>> /vendor/bin/hw/android.hardware.nfc@1.2-service <<<
signal 6 (SIGABRT), code -1 (SI_QUEUE)
2023-11-14 20:00:01 SYSTEM_TOMBSTONE (this is text of the entry above)

========================================
2023-11-14 21:00:00 SYSTEM_LAST_KMSG (compressed text, 900 bytes)
[ 1200.000001] mmc0: cache flush error -110
"""
UPTIME = "86400.50 170000.00\n"

RULE = "=" * 56
BUGREPORT = f"""\
{RULE}
== dumpstate: 2023-11-14 22:24:00
{RULE}

Build: AB1A.240101.001
Build fingerprint: 'bench/one/one:14/AB1A.240101.001/1:user/release-keys'

------ KERNEL LOG (dmesg) ------
{DMESG}------ 0.012s was the duration of 'KERNEL LOG' ------
------ DUMPSYS (dumpsys) ------
{"-" * 79}
DUMP OF SERVICE battery:
Current Battery Service state:
  level: 54
--------- 0.001s was the duration of dumpsys battery, ending at: 2023-11-14 22:24:01
{RULE}
== dumpstate: done (id 1)
{RULE}
"""

#: Facts that grow with the lines there are, and those that hold line numbers.
GROWING = {"lines", "last_s", "last", "panics", "crashes", "suspects", "harmless", "complete", "sections", "kinds"}
NUMBERED = {"suspects", "panics"}
UNFRAMED = {"proc_uptime", "bugreport"}

OUTPUTS: dict[str, list[str]] = {
    "fastboot": [FASTBOOT, FASTBOOT_TIGHT],
    "at_commands": [AT_REGISTERED, AT_UNCLOSED, AT_LOG, AT_SAMSUNG],
    "ideviceinfo": [IDEVICEINFO],
    "ios_ioreg": [IOREG_TEXT, IOREG_XML, IOREG_EMPTY],
    "dmesg": [DMESG, DMESG_DEAD_TOUCH],
    "logcat": [LOGCAT, LOGCAT_BRIEF],
    "dropbox": [DROPBOX_PRINTED],
    "bugreport": [BUGREPORT],
    "proc_uptime": [UPTIME],
}
