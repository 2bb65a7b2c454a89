"""Benchmarks; BLAS has one thread, as in the service, for every contender alike."""

from service.settings import keep_blas_on_one_thread

keep_blas_on_one_thread()
