"""The symbolic core: graphs in normal form and their derivatives."""
