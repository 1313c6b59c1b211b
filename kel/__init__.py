"""KEL: the operations centre of a city as a stream processor."""
