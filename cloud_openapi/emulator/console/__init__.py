"""The console at /_console: see and steer the emulator in a browser."""
