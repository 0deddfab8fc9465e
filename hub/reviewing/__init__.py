"""Review 审查审核 of what is submitted: secrecy, the approvals that the list's chain asks for, publication. Takes no catalogue step."""
