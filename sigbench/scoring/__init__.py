"""Metrics, confidence intervals, significance tests and the leaderboard."""
