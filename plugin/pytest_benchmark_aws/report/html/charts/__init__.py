"""The charts of a page, as Vega-Lite specifications and as drawings."""
