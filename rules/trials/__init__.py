"""The tests of a rulebook, written as files beside it."""
