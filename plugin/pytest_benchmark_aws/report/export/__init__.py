"""Results as the files of other benchmark trackers, a module for each format."""
