"""The versions of the tables, each from the one before."""
