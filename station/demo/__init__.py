"""The simulated bench: real engine, real adb server, real head office; phones and people are simulated and say so."""
