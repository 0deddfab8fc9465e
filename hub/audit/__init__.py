"""The sharing log 共享日志: what happened, as leaves of a tree that an auditor can check without trusting us."""
