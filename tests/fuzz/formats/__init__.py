"""One module per format; each defines one or more targets."""
