"""The Hydra configuration tree. Data only; see docs/architecture.md."""
