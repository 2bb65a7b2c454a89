"""Text to syntax tree to graph."""
