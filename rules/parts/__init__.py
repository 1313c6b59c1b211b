"""What the kinds of rules are built of: windows of readings, baselines, peers, silence, physics."""
