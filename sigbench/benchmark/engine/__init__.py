"""Evaluation of cells, scheduling and executors."""
