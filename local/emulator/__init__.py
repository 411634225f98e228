"""The local AWS emulator: MiniStack with the parts it fakes replaced by ones that behave as AWS documents."""
