"""Drivers: one class each."""
