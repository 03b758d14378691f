"""Check functions for what the platform refuses, or does otherwise."""
