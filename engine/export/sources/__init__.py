"""Where a checkpoint comes from, a look before it is exported, and where the bundle is made."""
