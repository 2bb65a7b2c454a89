"""Jobs: what they are, the protocols of their stores, and the loop that runs them."""
