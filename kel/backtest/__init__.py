"""Backtests: history through the rules once more, and what another rulebook would have made of it.

Pure: readings, ledgers and times come in as data; `kel.run.backtest` fetches them.
"""
