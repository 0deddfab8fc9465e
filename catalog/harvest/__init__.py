"""Catalogues above and beside ours 上游目录: harvested in stages, their resources kept with what our people wrote on them.

A harvested resource is not one of ours: it has no code of this hub and nothing is exchanged under it.
"""
