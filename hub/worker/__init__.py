"""Background loops 后台: chores that some process must do for the hub, and that any number may offer to do."""
