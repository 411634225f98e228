"""The emulator's process: starts MiniStack with the replaced parts, and ends everything that a run started."""
