"""Pages of ours in the phone's own browser; nothing is installed on the phone."""
