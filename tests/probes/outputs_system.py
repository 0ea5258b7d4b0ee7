"""What phones print about accounts, management, apps and settings, written for the tests in the platform's shapes."""

# ruff: noqa: E501 - lines as phones print them
from __future__ import annotations

ACCOUNTS = """\
User UserInfo{0:Owner:4c13}:
  Accounts: 3
    Account {name=owner@example.com, type=com.google}
    Account {name=second@example.com, type=com.google}
    Account {name=+10000000000, type=com.osp.app.signin}

  AccountId, Action_Type, timestamp, UID, TableName, Key
  Accounts History
  1,action_account_add,2023-11-12 10:02:33,10112,accounts,1

  Active Sessions: 0

  RegisteredServicesCache: 1 services
    ServiceInfo: AuthenticatorDescription {type=com.google}, ComponentInfo{com.google.android.gms/.auth.Loader}, uid 10112

User UserInfo{10:Second:410}:
  Accounts: 0
"""
ACCOUNTS_NONE = "User UserInfo{0:Owner:13}:\n  Accounts: 0\n  \n  Active Sessions: 0\n"
POLICY = """\
Current Device Policy Manager state:
  Device Owner:
    admin=ComponentInfo{org.example.mdm/org.example.mdm.Admin}
    name=
    package=org.example.mdm
    User ID: 0

  Enabled Device Admins (User 0, provisioningState: 3):
    org.example.mdm/.Admin:
      uid=10145
      testOnlyAdmin=false
      policies:
        wipe-data
      userRestrictions:
        null
    com.google.android.gms/.mdm.receivers.MdmDeviceAdminReceiver:
      uid=10008

    mPasswordOwner=-1

  Encryption Status: per-user
"""
POLICY_FREE = """\
Current Device Policy Manager state:

  Enabled Device Admins (User 0, provisioningState: 0):

    mPasswordOwner=-1

  Encryption Status: per-user
"""
TRUST = """\
Trust manager state:
 User "Work" (id=10, flags=0x1030)(managed profile)
   disabled because switching to this user is not possible.
 User "Owner" (id=0, flags=0x4c13) (current): trusted=0, trustManaged=0, deviceLocked=1, strongAuthRequired=0x1
   Enabled agents:
   Events:
"""
LOCK = """\
Current lock settings service state:

User State:
  User 0
    SP Handle: 5c1f2a
    Last changed: 2024-01-11 09:12:44 (pin)
    CredentialType: PIN
"""
APPS = """\
package:org.example.notes  installer=com.android.vending
package:org.example.float  installer=null
package:org.example.file  installer=com.google.android.packageinstaller
listed
"""
OVERLAYS = "org.example.float\ncom.android.systemui\n"
BOX = """\
Drop box contents: 4 entries
Max entries: 1000

2024-02-06 09:11:03 data_app_crash (text, 812 bytes)
    Process: org.example.game/PID: 8123/Flags: 0x38c8be44/Package: org.example.game v7 (7.0)/Foreground: Yes ...
2024-02-06 09:12:44 data_app_crash (text, 812 bytes)
    Process: org.example.game/PID: 8291/Flags: 0x38c8be44/Package: org.example.game v7 (7.0)/Foreground: Yes ...
2024-02-06 09:20:01 SYSTEM_BOOT (text, 120 bytes)
    isPrevious: true/Build: x/y/z
2024-02-06 09:31:15 data_app_native_crash (compressed text, 2100 bytes)
    Process: org.example.game/PID: 8455/Flags: 0x38c8be44/Package: org.example.game v7 (7.0) ...
"""
SIZES = """\
Latency: 1ms [512B Data Write]
App Size: 9100000000
Photos Size: 120000
Package Names: ["org.example.notes","org.example.film"]
App Sizes: [42000000,310000000]
App Data Sizes: [1200000,7400000000]
Cache Sizes: [300000,90000000]
"""
SETTINGS = """\
airplane_mode_on=1
low_power=0
zen_mode=2
mode_ringer=2
device_name=Owner's phone = mine
stay_on_while_plugged_in=null
font_scale=1.15
"""

SETTINGS_ROWS = """\
Row: 0 name=airplane_mode_on, value=1
Row: 1 name=device_name, value=Owner's phone, value=mine
Row: 2 name=zen_mode, value=NULL
Row: 3 name=low_power, value=0
"""

SAVED_NETWORKS = """\
Network Id      SSID                         Security type
0            Bench Net                        wpa2-psk^
1            家里 5G                            wpa3-sae
2            open                             open
7            ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 open/owe^
"""

DF_CARD = """\
Filesystem     1K-blocks     Used Available Use% Mounted on
/dev/root        2539468  1766356    756728  71% /
tmpfs             765352      468    764884   1% /dev
/dev/block/dm-1  6094400   153072   5799116   3% /data
/data/media      6094400   153072   5799116   3% /storage/emulated
/dev/block/loop4    5420     5420         0 100% /apex/com.android.tzdata
/mnt/media_rw/1A2B-3C4D 522228 26   522202   1% /storage/1A2B-3C4D
"""
DF_TOOLBOX = """\
Filesystem               Size     Used     Free   Blksize
/dev                   492.0M    32.0K   491.9M   4096
/system                  1.5G     1.2G   300.0M   4096
/data                   11.1G     3.1G     8.0G   4096
/mnt/media_rw/1A2B-3C4D  7.4G     1.0G     6.4G   32768
"""

OUTPUTS = {
    "partitions": [DF_CARD, DF_TOOLBOX],
    "selinux_mode": ["Enforcing\n", "Permissive\n"],
    "account": [ACCOUNTS, ACCOUNTS_NONE],
    "device_policy": [POLICY, POLICY_FREE],
    "trust": [TRUST],
    "lock_settings": [LOCK],
    "installed_apps": [APPS, "listed\n"],
    "overlay_apps": [OVERLAYS, "No operations.\n"],
    "crashing_apps": [BOX],
    "app_sizes": [SIZES],
    "settings_list": [SETTINGS],
    "settings_rows": [SETTINGS_ROWS],
    "setup_state": ["user_setup_complete=1\ndevice_provisioned=null\n"],
    "user_files": ["counted 214\n"],
    "bench_files": ["/data/local/tmp/assay-usb.bin\nsearched\n", "searched\n"],
    "saved_network_names": [SAVED_NETWORKS, "No networks\n"],
    "repair_mode": ["user=0\nimage=\n", "user=77\nimage=\n"],
    "stay_on": ["7\n", "null\n"],
}
#: Said once more with every line that says it.
GROWING = {
    "networks", "accounts", "users", "types", "device_owner", "active_admins", "admins", "owners", "apps", "installed_by", "crashes",
    "partitions",
}  # fmt: skip
