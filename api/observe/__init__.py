"""What the service says of itself: logs, metrics, health. No secret is in any of it."""
