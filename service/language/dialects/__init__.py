"""The readings of the text: what its operators mean."""
