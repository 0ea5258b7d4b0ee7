"""What a dangerous battery, water or a leak forbids: `checklists.safety.policy` reads and applies `policy.toml`."""
