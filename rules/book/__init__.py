"""The rulebook of a city: written, checked, overridden, versioned."""
