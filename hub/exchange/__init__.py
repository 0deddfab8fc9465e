"""The exchange 交换: intake of signed envelopes, the inbox, signed acknowledgements, and the state of an exchange."""
