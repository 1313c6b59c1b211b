"""From frames to alerts, and from alerts and requests to incidents. Pure."""
