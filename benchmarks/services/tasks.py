"""What both a managed service and a model of one's own do: results of one task are compared."""

SPEECH = "benchmarks/services: speech of 120 characters"
PAGE = "benchmarks/services: the words of a page"
