"""The processes. Thin assembly, one file a process: the only place that knows all stages."""
