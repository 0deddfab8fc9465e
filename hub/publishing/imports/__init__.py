"""Imports 导入: workbooks that editors upload, tried first and then written whole; and workbooks that are handed out."""
