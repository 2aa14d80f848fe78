"""The command `sigbench denoise`."""
