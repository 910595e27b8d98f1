"""Strategies compared before one is chosen: loads, a simulator that runs the strategy modules themselves, tables and pictures."""
