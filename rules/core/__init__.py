"""What every rule stands on: its words, sorted rows, windows and calendars, holding for a time."""
