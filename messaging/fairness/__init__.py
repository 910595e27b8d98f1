"""Fairness among tenants at the broker: their limits, kept as tiers say, and what staff can see of it."""
