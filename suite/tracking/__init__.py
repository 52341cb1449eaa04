"""Where numbers go: the journal, MLflow, the terminal."""
