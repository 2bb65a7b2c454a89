"""The works that state the rules of differentiation, as a derivation cites them."""

PAPER = "Parr & Howard"
COOKBOOK = "Petersen & Pedersen, The Matrix Cookbook (2012)"
LAUE = "Laue, Mitterreiter & Giesen, Computing Higher Order Derivatives (NeurIPS 2018)"
RUDIN = "Rudin, Principles of Mathematical Analysis (1976)"
ROCKAFELLAR = "Rockafellar, Convex Analysis (1970)"
BOYD = "Boyd & Vandenberghe, Convex Optimization (2004)"
BISHOP = "Bishop, Pattern Recognition and Machine Learning (2006)"
GOODFELLOW = "Goodfellow et al., Deep Learning (2016)"
# Of its sections: 4.7 exponentials and powers, 4.20 and 4.24 angles, 4.34 and 4.38 hyperbolic
# functions, 5.2 and 5.15 the gamma function, 7.10 the error function.
DLMF = "NIST Digital Library of Mathematical Functions"

CONSTANT = "constant rule"
POWER = "power rule"
PIECEWISE_MAX = "piecewise max rule"
SUM_REDUCTION = "vector sum reduction"
