"""The gateway 枢纽: API, pipeline, delivery, log and commands."""
