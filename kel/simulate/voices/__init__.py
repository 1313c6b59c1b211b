"""The formats that the city's devices speak, one small file each: a row in, an MQTT message out.

Laws:
- what a device says is a function of its readings and of what it said before, of nothing else;
- a value is written so that it reads back as the same float.
"""

Message = tuple[str, bytes]  # topic, payload
Row = dict[str, float]  # metric → value
