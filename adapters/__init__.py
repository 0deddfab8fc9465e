"""How to reach the systems around us 适配器: one small protocol, one file for each way of reaching a system."""
