"""Verdicts: checks, limits and checklists as data, and the pure functions that judge by them."""
