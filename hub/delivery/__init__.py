"""Delivery 投递: lanes that push, under leases and fences, to the places that a security officer allowed."""
