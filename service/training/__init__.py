"""Training: what a fit is made of, from the first weights to the last step."""
