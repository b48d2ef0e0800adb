"""Grafana dashboards: the JSON files, what writes them, and what draws the pictures of the documentation."""
