"""Results on disk and in S3."""
