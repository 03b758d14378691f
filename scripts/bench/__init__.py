"""Measure the package side by side with what it is compared to, and print a table.

python -m scripts.bench [--rounds N] [--quick] [--only TEXT] [--servers] [--long]

Each figure alternates: one round of ours, one of theirs, and so on, so that a busy machine slows
down both. The ratio is the median of the rounds' ratios. A missed limit is marked and is no
failure: these are figures, not tests.
"""
