"""The example city playing seeded days: water, light, fire, weather, people and crews.

Laws:
- pure: no clock, no socket, no file but through `kel.simulate.story`;
- everything random is a function of (seed, what, when), so that the same seed gives the same bytes
  however a day is cut into steps;
- physics first: readings follow from flows, pressures and power; noise comes last and is small.
"""
