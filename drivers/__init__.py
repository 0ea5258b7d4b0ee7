"""Bytes: one module for each transport, behind the protocols of `drivers.api`."""
