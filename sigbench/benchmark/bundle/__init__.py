"""Bundles: a run with what another person needs to repeat and verify it."""
