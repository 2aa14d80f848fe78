"""What a denoiser does: its Jacobian at an item."""
