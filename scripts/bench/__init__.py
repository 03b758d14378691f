"""Measure the package side by side with other programs, and print a table.

python -m scripts.bench [--rounds N] [--quick] [--only TEXT] [--servers] [--long]

Rounds alternate between this package and the other program, so a busy machine slows down both. The
ratio is the median of the rounds' ratios. A missed limit is marked and is not a failure: these are
figures, not tests.
"""
