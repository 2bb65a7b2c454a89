"""Files of numbers as streams of row blocks: one module per format, `tables` over them."""
