#!/bin/sh
# Makes the ACL tokens that TAPROOM_CONSUL_TOKEN_<NAME> name, where Consul does not know them yet: a service's lets it register
# itself, get its own certificate and find the others; the operator's lets them look at everything. CONSUL_HTTP_ADDR says
# where Consul is, CONSUL_HTTP_TOKEN is the management token.
set -eu
env | sed -n 's/^TAPROOM_CONSUL_TOKEN_\([A-Z]*\)=.*/\1/p' | while read -r variable; do
  name=$(echo "$variable" | tr '[:upper:]' '[:lower:]')
  eval "token=\$TAPROOM_CONSUL_TOKEN_$variable"
  if CONSUL_HTTP_TOKEN=$token consul acl token read -self >/dev/null 2>&1; then
    continue
  fi
  if test "$name" = operator; then
    set -- -policy-name=builtin/global-read-only
  else
    set -- -service-identity="$name"
  fi
  consul acl token create -secret="$token" -description="taproom $name" "$@" >/dev/null
  echo "$name has a token"
done
