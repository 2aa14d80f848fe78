"""Foundations: protocols, errors, validation, random numbers, fingerprints and media files."""
