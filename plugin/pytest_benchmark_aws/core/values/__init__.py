"""Amounts, names and JSON values: read, checked and written."""
