"""Graphs written for people: text, notation, LaTeX, MathML, index notation, NumPy code."""
