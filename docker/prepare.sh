#!/bin/sh
# Makes what compose.yaml needs and no image may hold: passwords, keys of the object store, the proxy's certificate.
# Each file belongs to the account that reads it, and nobody else can. Nothing that exists is overwritten, but for the
# certificate when one is given.
#
#   sudo docker/prepare.sh                                    证书自签，仅供试用 / self-signed, for trials only
#   sudo docker/prepare.sh --tls CERTIFICATE.pem KEY.pem      证书链和私钥 / certificate with its chain, and key
set -eu
umask 077

# The accounts inside the images: hub, PostgreSQL, HAProxy, SeaweedFS.
HUB=10001 POSTGRES=999 PROXY=99 OBJECTS=1000

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
secrets=$here/secrets
certificate='' key=''

fail() {
    echo "$1" >&2
    exit "$2"
}

case "$#:${1:-}" in
0:) ;;
3:--tls) certificate=$2 key=$3 ;;
*) fail "用法 / usage: prepare.sh [--tls CERTIFICATE.pem KEY.pem]" 2 ;;
esac
[ "$(id -u)" -eq 0 ] || fail "请用 root 运行：各文件要交给容器内的账户 / run as root: files are given to the accounts in the images" 3
command -v openssl >/dev/null || fail "请先安装 openssl / install openssl first" 3

new_secret() {
    openssl rand -hex 32
}

# keep NAME OWNER: standard input becomes secrets/NAME, whole or not at all
keep() {
    cat >"$secrets/$1.new"
    [ -s "$secrets/$1.new" ] || fail "$1: openssl 没有输出 / openssl gave nothing" 1
    chown "$2:$2" "$secrets/$1.new"
    chmod 0400 "$secrets/$1.new"
    mv "$secrets/$1.new" "$secrets/$1"
    echo "+ $secrets/$1"
}

# Others may pass through the folder to the file that is theirs, and list nothing.
mkdir -p "$secrets"
chmod 0711 "$secrets"

[ -e "$secrets/postgres-superuser" ] || new_secret | keep postgres-superuser "$POSTGRES"

# One password in two files, each in the form and for the account that reads it; made together or not at all.
if [ ! -e "$secrets/pgpass" ]; then
    password=$(new_secret)
    [ ! -e "$secrets/postgres-shuniu" ] || password=$(cat "$secrets/postgres-shuniu")
    printf '%s\n' "$password" | keep postgres-shuniu "$POSTGRES"
    printf 'postgres:5432:shuniu:shuniu:%s\n' "$password" | keep pgpass "$HUB"
fi

if [ ! -e "$secrets/s3.json" ]; then
    printf '{"identities": [{"name": "shuniu", "credentials": [{"accessKey": "%s", "secretKey": "%s"}], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}\n' \
        "$(openssl rand -hex 10)" "$(new_secret)" | keep s3.json "$OBJECTS"
fi

if [ -n "$certificate" ]; then
    # Replaced on purpose: certificates end, and are renewed with this command.
    [ "$(openssl x509 -in "$certificate" -noout -pubkey)" = "$(openssl pkey -in "$key" -pubout)" ] ||
        fail "证书与私钥不配套 / certificate and key do not belong together" 1
    cat "$certificate" "$key" | keep tls.pem "$PROXY"
elif [ ! -e "$secrets/tls.pem" ]; then
    url=$(sed -n 's/^SHUNIU_PUBLIC_URL=//p' "$here/.env" 2>/dev/null || true)
    host=$(printf '%s\n' "$url" | sed -n 's#^https://\([A-Za-z0-9.-]*\).*#\1#p')
    [ -n "$host" ] || fail "请先在 .env 里设 SHUNIU_PUBLIC_URL=https://… / set SHUNIU_PUBLIC_URL=https://… in .env first" 3
    case $host in *[!0-9.]*) name=DNS:$host ;; *) name=IP:$host ;; esac
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 90 -subj "/CN=$host" \
        -addext "subjectAltName=$name" -keyout - 2>/dev/null | keep tls.pem "$PROXY"
    echo "自签证书，90 天，仅供试用 / self-signed, 90 days, for trials only: $host"
fi
