"""What is shipped to an instance."""
