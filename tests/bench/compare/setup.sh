#!/bin/sh
# Prepares what compare.py needs besides the system's packages: the peers (a virtual environment), the
# WebSocket load generator, the limit server, a certificate and the static files.
# `./dev bench` installs the packages and calls it.
# Environment: PYTHON (python3), BENCH_BUILD (build-bench in the checkout), BENCH_VENV (BENCH_BUILD/venv)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
build=${BENCH_BUILD:-$root/build-bench}
venv=${BENCH_VENV:-$build/venv}
python=${PYTHON:-python3}

mkdir -p "$build/static"

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"

# cppcorn itself, as anyone installs it: optimized, from this checkout.
"$venv/bin/pip" install --quiet --force-reinstall --no-deps "$root"

(cd "$here/load/ws" && go build -o "$build/wsload" .)
gcc -O2 -Wall -Wextra -o "$build/uvhello" "$here/limit/uvhello.c" -luv

[ -f "$build/cert.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
    -nodes -days 3650 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$build/key.pem" -out "$build/cert.pem"

head -c 1024 /dev/zero | tr '\0' s > "$build/static/1k.txt"
head -c 1048576 /dev/zero | tr '\0' s > "$build/static/1m.txt"

echo "ready: BENCH_BUILD=$build BENCH_VENV=$venv $here/compare.py --help"
