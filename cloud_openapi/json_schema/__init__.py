"""JSON values and schemas: type checks, paths, shapes, fields and differences."""
