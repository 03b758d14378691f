"""What the emulator remembers of its mini programs."""
