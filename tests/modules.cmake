# The test files and fuzz targets: one line each.
