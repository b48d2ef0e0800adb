"""Measurements of what the project claims; each is a command: `python -m benchmarks.NAME`."""
