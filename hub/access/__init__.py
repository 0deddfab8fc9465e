"""Who may have what 授权: grants and the lanes they open."""
