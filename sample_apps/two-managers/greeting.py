"""Shared by all entry points."""


def greeting(server):
    return f"Hello from {server}"
