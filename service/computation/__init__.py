"""The one path from text to numbers."""
