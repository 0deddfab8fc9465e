"""Wiring 装配: puts the parts of a gateway together, and starts and stops processes. No rules live here."""
