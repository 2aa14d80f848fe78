"""Training of networks by recipes: reproducible by seed and steps, and resumable."""
