"""The words of KEL as types. Pure: data without a clock, a socket or a file.

Laws:
- one word per thing, the same in code, topic, table and screen (`docs/words.md`);
- a time is an aware UTC `datetime`, or in a column an int64 of microseconds since 1970 UTC;
- money is `Decimal` euros, quantities of stock are `Decimal`, measured values are float;
- an id is text or a UUID made from what it is about (`kel.model.ids`), never a random one, so that
  the same input gives the same id, live, in a replay and in a test.
"""
