"""Organisations change 机构变更: renamed, merged, split, abolished, duties handed on; with all that moves, and its history."""
