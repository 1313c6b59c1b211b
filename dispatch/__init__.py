"""From incidents to crews with the right materials, and their orders. Pure but for its channels."""
