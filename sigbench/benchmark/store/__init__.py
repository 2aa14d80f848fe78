"""The run folder: cells, images, failures and the manifest."""
