"""The verbs of the command line, one to a file: `main(arguments)` returns an exit code."""
