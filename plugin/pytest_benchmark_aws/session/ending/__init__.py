"""The end of a session with ``--aws``: stored files as the project's hooks have them, and an end in order."""
