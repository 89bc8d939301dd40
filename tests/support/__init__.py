"""Helpers for the tests: hand-written distributions, a loopback index, stand-ins, app trees."""
