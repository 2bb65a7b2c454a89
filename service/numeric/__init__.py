"""Plans: graphs compiled to NumPy calls."""
