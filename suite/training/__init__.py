"""The plain loop and what it needs: losses, optimizers, schedules, precision, checkpoints."""
