"""A denoiser, a dataset and a metric for sigbench."""
