"""Verify a run: rebuild its suite, check its records, and recompute cells."""
