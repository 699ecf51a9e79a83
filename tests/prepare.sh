# Sourced by tests/run and .ci/run, from the root of the tree: what both need of the machine.

target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}")

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '\n%s\n' "$@" >&2
  exit 1
}

# The only two things that a user brings.
require_toolchain() {
  command -v cargo >/dev/null || fail \
    "cargo is missing. Install Rust from https://rustup.rs, open a new shell and run this again."
  command -v cc >/dev/null || fail \
    "A C compiler (cc) is missing. On Debian: apt-get install gcc libc6-dev"
}

# as_root COMMAND...: through sudo where that is needed; says what to run where it is not to be had.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "Run as root, then run this again:" "  $*"
  fi
}

# Brings the lists of packages up to date.
update_packages() {
  command -v apt-get >/dev/null || fail "There is no apt-get to install what is missing with"
  as_root apt-get update -qq
}

# install_packages PACKAGE...: from Debian.
install_packages() {
  say "installing from Debian: $*"
  update_packages
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
}

# require_root SCRIPT: runs a script again as root, unless it is. What it builds belongs to the caller still.
require_root() {
  if [ "$(id -u)" -eq 0 ]; then return; fi
  command -v sudo >/dev/null || fail "Run as root, or install sudo: $1 makes systems of its own."
  exec sudo env PATH="$PATH" HOME="$HOME" "$1"
}

# as_caller COMMAND...: as the user who called sudo.
as_caller() {
  if [ -z "${SUDO_UID:-}" ]; then
    "$@"
  else
    setpriv --reuid "$SUDO_UID" --regid "$SUDO_GID" --init-groups -- "$@"
  fi
}

# Tests start servers of their own, on ports of their own: one that the package may start is left
# alone.
require_redis() {
  if [ ! -x /usr/bin/redis-server ]; then
    install_packages redis-server
  fi
}

# Unpacked where it is missing, not installed, so that no service of it runs.
require_prometheus() {
  local folder=$target_dir/tools/prometheus
  PATH=$PATH:$folder/usr/bin
  if command -v prometheus >/dev/null && command -v promtool >/dev/null; then return; fi
  command -v apt-get >/dev/null || fail \
    "prometheus and promtool are missing, and there is no apt-get to fetch them with"
  say "fetching from Debian: prometheus"
  mkdir -p "$folder"
  (cd "$folder" && apt-get download -qq prometheus) || {
    update_packages
    (cd "$folder" && apt-get download -qq prometheus)
  }
  dpkg -x "$folder"/prometheus_*.deb "$folder"
}

require_python() {
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    install_packages python3 python3-venv
  fi
}

# python_environment NAME REQUIREMENTS: makes or renews a virtual environment, and sets
# $environment to its folder.
python_environment() {
  environment=$target_dir/tools/$1
  if cmp -s "$2" "$environment/requirements.txt"; then return; fi
  require_python
  say "installing from PyPI into $environment: $(grep -v '^#' "$2" | paste -sd ' ')"
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
  cp "$2" "$environment/requirements.txt"
}
