"""Workbooks in and out: the catalogue as staff keep it, in spreadsheets made with Excel, WPS and by hand.

Bytes in, findings and drafts out: no database and no clock. What the catalogue knows is asked for through a function.
"""
