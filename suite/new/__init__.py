"""What `triathlon new task` writes: a working plugin that its author then changes."""
