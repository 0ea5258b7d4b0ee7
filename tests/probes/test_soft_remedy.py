"""What a phone says of its start and its saved networks, and what is said when it does not."""

from __future__ import annotations

from decimal import Decimal

import outputs_remedy as out

from probes.soft_remedy import boot_state, wifi_networks


def test_a_start_is_read_with_its_id_its_number_and_its_age() -> None:
    assert boot_state(out.BOOT_STATES[0].encode()).facts == {
        "boot_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "boot_count": 41,
        "uptime_s": Decimal("86400.50"),
        "boot_completed": True,
        "safe_mode": False,
    }
    assert boot_state(out.BOOT_STATES[1].encode()).facts["safe_mode"] is True


def test_a_phone_that_hides_its_start_states_none() -> None:
    assert boot_state(out.BOOT_STATES[2].encode()).facts == {"boot_completed": True, "safe_mode": False}


def test_a_phone_that_is_still_starting_is_not_through_and_what_is_no_count_is_said() -> None:
    parsed = boot_state(out.BOOT_STATES[3].encode())
    assert parsed.facts["boot_completed"] is False
    assert "boot_count" not in parsed.facts
    assert [problem.what for problem in parsed.problems] == ["boot_count"]


def test_a_number_that_may_be_cut_is_not_taken() -> None:
    assert "boot_count" not in boot_state(b"id=\ncount=4").facts


def test_saved_networks_are_counted_once_each_and_not_named() -> None:
    assert wifi_networks(out.WIFI_NETWORKS.encode()).facts == {"saved_networks": 2}
    assert wifi_networks(out.NO_NETWORKS.encode()).facts == {"saved_networks": 0}


def test_a_list_that_was_cut_after_its_head_or_is_unknown_says_nothing() -> None:
    assert wifi_networks(b"Network Id      SSID                         Security type\n").facts == {}
    assert wifi_networks(b"Unknown command: list-networks\n").facts == {}
