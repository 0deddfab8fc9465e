"""Access requests 共享申请: asked for by a consumer, reviewed by the authority, decided by the provider."""
