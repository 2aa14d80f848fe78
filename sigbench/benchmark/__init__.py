"""Benchmark runs: suites, methods, the engine, the run folder, reports and checks."""
