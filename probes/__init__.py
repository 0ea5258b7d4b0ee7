"""Measurements: one module for each thing looked at."""
