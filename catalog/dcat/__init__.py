"""DCAT-AP in and out: our catalogue as a page of an RDF graph, and a catalogue of others read from Turtle or JSON-LD.

Knows graphs and bytes, no database and no network; `catalog.dcat.reading` never fetches what a document refers to.
"""
