"""The suites that come with sigbench, one TOML file each, and how they are read."""
