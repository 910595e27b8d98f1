"""What stands between us and a provider that misbehaves: see `guard`."""
