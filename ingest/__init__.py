"""From messages as devices speak them to frames of readings. Pure."""
