"""The HTTP edge: the only place that knows requests, answers and statuses."""
