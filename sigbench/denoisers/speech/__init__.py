"""Speech enhancement in the short-time Fourier transform: noise trackers and suppression rules."""
