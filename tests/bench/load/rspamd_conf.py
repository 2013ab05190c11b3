# SPDX-License-Identifier: BSD-2-Clause
"""rspamd with four modules (spf, dkim, dmarc, arc) and what it takes to write down what they found:
milter_headers, and dkim_signing for outgoing mail. No Redis, no rules, no other process: the proxy
worker scans by itself, in as many processes as there are processors. Figures that are not paths
are rspamd's own defaults."""

RSPAMD_CONF = """\
options {{
  filters = "dkim";
  local_addrs = [127.0.0.0/8];
  url_tld = "/usr/share/rspamd/effective_tld_names.dat";
  dns {{
    nameserver = ["{dns_address}:{dns_port}"];
    timeout = 1s;
    sockets = 16;
    retransmits = 5;
  }}
  pidfile = "{folder}/pid";
  tempdir = "{folder}";
  cache_file = "{folder}/symbols.cache";
  hs_cache_dir = "{folder}/";
  history_file = "{folder}/history";
  stats_file = "{folder}/stats";
  dynamic_conf = "{folder}/dynamic";
  rrd = "{folder}/rrd";
  control_socket = "{folder}/control.sock mode=0600";
}}
logging {{
  type = "file";
  filename = "{folder}/log";
  level = "notice";
}}
actions {{
  reject = 1000;
  add_header = 900;
  greylist = 800;
}}
spf {{
  spf_cache_size = 2k;
  spf_cache_expire = 1d;
}}
dkim {{
  dkim_cache_size = 2k;
  dkim_cache_expire = 1d;
  time_jitter = 6h;
  trusted_only = false;
  skip_multi = false;
}}
dmarc {{
}}
arc {{
}}
milter_headers {{
  use = ["authentication-results"];
}}
dkim_signing {{
  sign_authenticated = true;
  allow_username_mismatch = true;
  use_domain = "header";
  use_esld = false;
  domain {{
    {our_domain} {{
      path = "{key_file}";
      selector = "{selector}";
    }}
  }}
}}
modules {{
  path = "/usr/share/rspamd/plugins/spf.lua";
  path = "/usr/share/rspamd/plugins/dmarc.lua";
  path = "/usr/share/rspamd/plugins/arc.lua";
  path = "/usr/share/rspamd/plugins/milter_headers.lua";
  path = "/usr/share/rspamd/plugins/dkim_signing.lua";
}}
worker "rspamd_proxy" {{
  bind_socket = "{socket} mode=0666";
  milter = yes;
  timeout = 120s;
  count = {cpus};
  max_retries = 5;
  upstream "local" {{
    self_scan = yes;
    default = yes;
  }}
}}
"""
