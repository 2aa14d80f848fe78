"""Fetching the files of datasets, and holding them against their digests."""
