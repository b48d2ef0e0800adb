"""Writes the dashboards, each in English and in French: `python -m dashboards.generator`."""
