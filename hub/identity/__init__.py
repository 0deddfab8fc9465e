"""Who acts 身份: staff and their roles, sessions, and the access tokens of partner systems."""
