"""AWS's managed services that answer requests: what they cost, what is asked of them, who may ask."""
