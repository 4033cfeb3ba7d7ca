"""Instance types and prices, as files that ship with the package."""
