"""Runs of the whole that are meant to break it."""
