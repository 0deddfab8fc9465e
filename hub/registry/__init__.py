"""Who takes part 登记: organisations, their systems and certificates, the hub's own keys, and the epoch of rights."""
