"""The bench: a real hub on this machine under load, its floor and a plain baseline, all measured in one run.

`python -m tools.bench` makes a hub in `build/bench`, measures, and writes `build/bench.json`; `docs/performance.md` says
what the figures mean. It knows the hub by its doors and its tables, and touches nothing outside the `build` folder.
"""
