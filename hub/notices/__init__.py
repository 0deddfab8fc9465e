"""Notices 通知: what an organisation is told because somebody acted on what concerns it. Knows no feature that tells."""
