"""What phones print to the reads of remedies, in the shapes of Android 5 to 16; written by hand."""

from __future__ import annotations

#: An ordinary phone; one in safe mode; one whose files are closed and that has no count; one still starting.
BOOT_STATES = [
    "id=0f8fad5b-d9cb-469f-a165-70867728950e\ncount=41\nup=86400.50 170000.00\nbooted=1\nsafe=\n",
    "id=7c9e6679-7425-40de-944b-e07fc1f90ae7\ncount=42\nup=61.02 240.10\nbooted=1\nsafe=1\n",
    "id=\ncount=null\nup=\nbooted=1\nsafe=\n",
    "id=7c9e6679-7425-40de-944b-e07fc1f90ae8\ncount=cmd: Can't find service: settings\nup=9.31 30.02\nbooted=\nsafe=\n",
]
WIFI_NETWORKS = """\
Network Id      SSID                         Security type
0            Home of somebody                 wpa2-psk
0            Home of somebody                 wpa3-sae^
3            Bench                            open
"""
NO_NETWORKS = "No networks\n"

OUTPUTS = {"boot_state": BOOT_STATES, "wifi_networks": [WIFI_NETWORKS, NO_NETWORKS]}
GROWING = {"saved_networks"}
