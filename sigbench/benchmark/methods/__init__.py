"""Methods of a suite: name resolution, tuning, self-ensembles."""
