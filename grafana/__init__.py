"""The walls: provisioning, dashboards and the code that builds and pushes them."""
