#!/bin/sh
# Run once by the PostgreSQL image, when it has made an empty cluster: the hub's role, no superuser, and its database.
set -eu
psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set password `cat /run/secrets/postgres-shuniu`
CREATE ROLE shuniu LOGIN PASSWORD :'password';
GRANT pg_monitor TO shuniu;
CREATE DATABASE shuniu OWNER shuniu;
REVOKE ALL ON DATABASE shuniu FROM PUBLIC;
SQL
