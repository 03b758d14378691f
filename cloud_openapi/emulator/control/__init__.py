"""/_emulator: the routes by which tests and commands control the emulator."""
