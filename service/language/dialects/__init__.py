"""The readings of the text."""
