"""The comparison as one self-contained page, and its charts as files."""
