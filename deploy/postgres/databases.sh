#!/bin/sh
# Makes the database and the role taproom_<name> for each TAPROOM_DATABASE_PASSWORD_<NAME>, and sets the passwords. Nobody
# else gets into a database but taproom_migrate, who owns nothing and may become each of the roles. PGHOST, PGUSER and
# PGPASSWORD name a superuser.
set -eu

as_superuser() {
  psql --no-psqlrc --quiet --tuples-only --dbname=postgres --set=ON_ERROR_STOP=1 --set=name="$1"
}

# The password comes by the environment: arguments can be seen by others.
set_role() {
  as_superuser "$1" <<'SQL'
\getenv password PASSWORD
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" LOGIN PASSWORD :'password';
SQL
}

set_database() {
  as_superuser "$1" <<'SQL'
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO taproom_migrate;
GRANT :"name" TO taproom_migrate;
SQL
}

export PASSWORD="$TAPROOM_DATABASE_PASSWORD_MIGRATE"
set_role taproom_migrate
echo 'ALTER ROLE taproom_migrate NOINHERIT' | as_superuser taproom_migrate
env | sed -n 's/^TAPROOM_DATABASE_PASSWORD_\([A-Z]*\)=.*/\1/p' | while read -r variable; do
  name=$(echo "$variable" | tr '[:upper:]' '[:lower:]')
  test "$name" != migrate || continue
  eval "PASSWORD=\$TAPROOM_DATABASE_PASSWORD_$variable"
  set_role "taproom_$name"
  set_database "taproom_$name"
done
