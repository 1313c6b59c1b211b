"""Alerts, requests and commands become what an operator handles."""
