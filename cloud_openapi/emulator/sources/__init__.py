"""Where an answer comes from other than the simulation: recordings and the real service."""
