"""What may be shared 目录: resources, their items, code lists, rules, life, versions and derived schemas.

Knows SQLModel and a session; knows nothing of HTTP, of the log or of deadlines.
"""
