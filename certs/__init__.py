"""Whom to believe 信任: keys, certificates, signatures and the mathematics of the log.

Bytes in, verdict out. This room knows no web, no database, no network and no clock of its own: the time is an argument.
"""
