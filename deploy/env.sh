#!/bin/sh
# Writes a random value for each variable of .env.example that the file named lacks: deploy/env.sh .env
# What the file has already stays as it is; to change a secret, take its line out first.
set -eu
file=${1:?"say which file, such as .env"}
example=$(dirname "$0")/../.env.example

random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

umask 077
touch "$file"
sed -n 's/^\(TAPROOM_[A-Z_]*\)=$/\1/p' "$example" | while read -r name; do
  if grep -q "^$name=." "$file"; then
    continue
  fi
  case $name in
  # Consul's tokens are UUIDs.
  *_TOKEN_*) value=$(random | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\)$/\1-\2-4\3-a\4-\5/') ;;
  # NATS takes what begins with a letter for text.
  *) value=p$(random) ;;
  esac
  echo "$name=$value" >>"$file"
done
