"""What the counter goes by: the shop's policy, the data text, first self-help hints, and when a test may begin.

Data beside the code that reads it; a shop's own files in `DATA/policy` outweigh it. It knows no store and no device.
"""
