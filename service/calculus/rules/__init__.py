"""One record per function."""
