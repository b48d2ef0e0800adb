"""Draws the dashboards for the documentation from the results of their own queries: `make dashboard-pictures`."""
