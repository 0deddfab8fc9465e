"""Objections 异议: to the catalogue, to a decision, to the quality or the use of what was shared; answered and rated."""
