"""Parsing of specs, tables of names and TOML files into objects."""
