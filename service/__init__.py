"""gradserve: exact Jacobians, gradients and values of matrix expressions, over HTTP."""

__version__ = "0.1.0"
