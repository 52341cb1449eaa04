"""The conformance test of a task: `triathlon check` and `suite.testing.check_task` make it."""
