# The test files and fuzz targets: one line each.
signet_test(dns zone_data signet_test_dns)
signet_test(milter config)
signet_test(milter config_options)
signet_test(milter log)
signet_fuzz(milter config)
add_subdirectory(check)
