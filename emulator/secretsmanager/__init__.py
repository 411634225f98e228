"""Secrets Manager, where MiniStack answers other than AWS."""
