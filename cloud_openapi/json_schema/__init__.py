"""JSON bodies and schemas by their shape: paths, types, fields, and what differs."""
