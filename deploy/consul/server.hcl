# What Consul's servers are set to wherever they run. Addresses, folders and tokens are each deployment's own.
server = true

# Who has no token may do nothing.
acl {
  enabled        = true
  default_policy = "deny"
}

# Services prove who they are with certificates of this authority, which they renew long before they end.
connect {
  enabled = true
  ca_config {
    leaf_cert_ttl = "1h"
  }
}

# A new leader within seconds.
performance {
  raft_multiplier = 1
}

# A process holds a connection for each service that it watches, and many processes may come from one address.
limits {
  http_max_conns_per_client = 5000
}

disable_update_check = true
log_level            = "warn"
