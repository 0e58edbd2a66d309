"""The services behind resources. Each adapter implements ports.Behind with read-only calls."""
