"""What happens around a step of the catalogue 编目发布: barrier, log, pins of grants. The step itself is the catalogue's."""
