"""Descriptions of the APIs for other tools: an OpenAPI document and JSON Schemas."""
