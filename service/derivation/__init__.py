"""Derivatives as people read them: closed forms, the steps that lead there, claims judged."""
