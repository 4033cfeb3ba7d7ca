"""The comparison in each of its formats, a module each."""
