"""From symptoms and verdicts to causes and repairs: what may be wrong, why, what would tell, and what to try first.

All that is known of phones stands in `policy/*.toml`, the arithmetic in `network`, the answer in `diagnose`. Pure: it
knows no phone, no ticket and no screen; the station brings the evidence.
"""
