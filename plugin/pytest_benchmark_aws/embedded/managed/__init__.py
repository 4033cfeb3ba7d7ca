"""Managed services that answer requests: what moto has not, or answers with a constant."""
