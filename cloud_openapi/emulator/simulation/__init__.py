"""The simulated mini program: its numbers, and the answers made from them."""
