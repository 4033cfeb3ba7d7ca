"""Instances as local processes."""
