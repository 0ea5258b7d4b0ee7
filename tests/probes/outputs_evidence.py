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

OUTPUTS: dict[str, list[str]] = {
    "fastboot": [FASTBOOT, FASTBOOT_TIGHT],
    "at_commands": [AT_REGISTERED, AT_UNCLOSED, AT_LOG, AT_SAMSUNG],
    "ideviceinfo": [IDEVICEINFO],
    "ios_ioreg": [IOREG_TEXT, IOREG_XML, IOREG_EMPTY],
}
