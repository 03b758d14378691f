"""The state of a mini program, and the common clock and seed."""
