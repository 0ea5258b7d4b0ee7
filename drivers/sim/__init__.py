"""Simulated phones that speak the real wire protocols; the code that drives real phones does not know them."""
