"""Neural networks: a NumPy framework, models, pretrained weights and training."""
