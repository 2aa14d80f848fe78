"""Parsing of text into objects: specs, registries and TOML files."""
