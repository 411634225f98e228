"""Checks callers' permissions. MiniStack allows everything."""
