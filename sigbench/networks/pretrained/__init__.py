"""Trained networks as denoisers: shipped weights, and an adapter for PyTorch modules."""
