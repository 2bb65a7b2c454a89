"""Datasets over HTTP: kept as they came, described, handed out, refused with row and column."""
