"""Pictures by matplotlib, which is an extra, and of heat maps."""
