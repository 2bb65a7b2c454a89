"""Many small jobs from many clients at once: `python -m tests.load 10000`."""
