"""Regression floors, `sigbench check` and the pytest plugin."""
