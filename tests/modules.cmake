# The test files and fuzz targets: one line each.
signet_test(dns zone_data signet_test_dns)
