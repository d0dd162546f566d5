"""Stands in for the real package where only the master is tested (see ../README.md)."""
