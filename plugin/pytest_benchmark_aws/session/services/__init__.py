"""Benchmarks of managed services: what they may cost, who answers them, and what their requests took."""
