#!/bin/bash
# Starts MariaDB as the official mysql image starts MySQL. Understood: MYSQL_ROOT_PASSWORD, MYSQL_ROOT_HOST,
# MYSQL_ALLOW_EMPTY_PASSWORD, MYSQL_DATABASE, MYSQL_USER, MYSQL_PASSWORD, *.sql and *.sh in /docker-entrypoint-initdb.d,
# and server options as arguments.
set -euo pipefail

data=/var/lib/mysql
socket=/run/mysqld/first-start.sock

if [ "${1:0:1}" = - ]; then set -- mysqld "$@"; fi
if [ "$1" != mysqld ]; then exec "$@"; fi
shift
# MariaDB lacks a few options of MySQL (gtid-mode, mysqlx): with --loose- in front it warns of them in its log and goes on.
options=("${@/#--/--loose-}")

# quoted "it's" -> 'it''s', a string of SQL
quoted() {
  local s=${1//\\/\\\\}
  echo "'${s//\'/\'\'}'"
}

as_root() { MYSQL_PWD=${root_password-} mariadb --socket="$socket" --user=root "$@"; }

# The server of the first start has no TCP port, so nobody takes a half prepared database for a ready one.
first_start() {
  if [ -z "${MYSQL_ROOT_PASSWORD:-}${MYSQL_ALLOW_EMPTY_PASSWORD:-}" ]; then
    echo "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified" >&2
    exit 1
  fi
  mariadb-install-db --user=mysql --datadir="$data" --skip-test-db --auth-root-authentication-method=normal >/dev/null
  mariadbd --user=mysql --datadir="$data" --socket="$socket" --skip-networking "${options[@]}" &
  local server=$!
  for _ in {1..240}; do
    mariadb-admin --socket="$socket" ping >/dev/null 2>&1 && break
    sleep 0.25
  done

  local root user
  root=$(quoted "${MYSQL_ROOT_PASSWORD:-}")
  user=$(quoted "${MYSQL_USER:-}")
  {
    # the installation leaves roots without a password on 127.0.0.1 and other hosts
    echo "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host <> 'localhost'; FLUSH PRIVILEGES;"
    if [ -n "${MYSQL_DATABASE:-}" ]; then echo "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"; fi
    if [ -n "${MYSQL_USER:-}" ]; then
      echo "CREATE USER $user@'%' IDENTIFIED BY $(quoted "${MYSQL_PASSWORD:-}");"
      if [ -n "${MYSQL_DATABASE:-}" ]; then echo "GRANT ALL ON \`$MYSQL_DATABASE\`.* TO $user@'%';"; fi
    fi
    echo "CREATE USER root@$(quoted "${MYSQL_ROOT_HOST:-%}") IDENTIFIED BY $root;"
    echo "GRANT ALL ON *.* TO root@$(quoted "${MYSQL_ROOT_HOST:-%}") WITH GRANT OPTION;"
    echo "ALTER USER root@localhost IDENTIFIED BY $root;"
  } | as_root
  root_password=${MYSQL_ROOT_PASSWORD:-}

  local script
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
    *.sql) as_root ${MYSQL_DATABASE:+"$MYSQL_DATABASE"} <"$script" ;;
    *.sh) bash "$script" ;;
    esac
  done
  MYSQL_PWD=$root_password mariadb-admin --socket="$socket" --user=root shutdown
  wait "$server"
}

chown mysql:mysql "$data" /run/mysqld
if [ ! -d "$data/mysql" ]; then
  first_start
  echo "[Note] [Entrypoint]: MySQL init process done. Ready for start up."
fi
exec mariadbd --user=mysql --datadir="$data" "${options[@]}"
