"""The truth: PostgreSQL with TimescaleDB. The one package that imports psycopg.

Laws:
- what belongs together is one transaction: a worker's effects and its offset, the desk's decision
  and its messages;
- writing the same thing twice changes nothing: ids are deterministic, readings are keyed by
  device and time;
- works on the Apache edition of TimescaleDB; what the Community edition adds is optional.
"""
