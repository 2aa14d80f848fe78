"""Executors: this process, a pool of worker processes, a Dask cluster."""
