"""Who answers for an organisation's part in the exchange 责任人: named, handed over, never forgotten."""
