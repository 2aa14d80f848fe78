"""Ranks of methods from a table of scores that were computed elsewhere."""
