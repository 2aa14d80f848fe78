"""Processes in which the code of others runs, so that it reaches nobody else's values."""
