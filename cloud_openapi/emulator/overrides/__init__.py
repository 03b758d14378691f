"""Overrides of answers that a test sets: faults and pins."""
