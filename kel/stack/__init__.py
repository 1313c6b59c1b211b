"""The parts that KEL stands on, started as child processes on this machine: for the demo, for
`kel up` and for tests. In production they are services of their own (`compose.yaml`).

Laws:
- everything lives under one private folder and listens on free ports of 127.0.0.1;
- whatever was started ends with the process that started it, however that one ends;
- no password is an argument of a command.
"""
