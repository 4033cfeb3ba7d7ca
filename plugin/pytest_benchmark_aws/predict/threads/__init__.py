"""The thread model: how long one machine takes by rows and threads."""
