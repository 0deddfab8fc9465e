"""Corrections 校核: a consumer reports an error in what it received; the provider corrects it, for all who received it."""
