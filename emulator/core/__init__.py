"""The emulator's process: it starts MiniStack with the replaced parts and ends everything that a run started."""
