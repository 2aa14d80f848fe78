"""Training of networks by recipes: repeatable by seed and steps, taken up again after a kill."""
