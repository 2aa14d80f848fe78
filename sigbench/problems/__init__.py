"""Problems: degradations, denoising and system identification."""
