# Sourced by tests/run and .ci/run: the groups of tests beside the default one. A group is an entry of
# `groups`, which says what it tests and needs, and a function `group_NAME`, which prepares what it
# needs and runs it from the root of the tree. `.ci/run` runs all but packages
# and containers.

declare -A groups=()

group_names() {
  printf '%s\n' "${!groups[@]}" | sort
}

groups[monitoring]="alert rules, and the dashboard's queries against a Prometheus (from Debian) that scrapes real daemons"
group_monitoring() {
  require_toolchain
  require_prometheus
  promtool check config deploy/prometheus/prometheus.yaml
  promtool check rules deploy/prometheus/alerts.yaml
  promtool test rules deploy/prometheus/alerts.test.yaml
  cargo build --workspace --bins --locked
  cargo test --package phuxanh-tests --locked --test monitoring
}

groups[failovers]="delivery while a Redis Cluster, or a Redis under Sentinel, loses its master"
group_failovers() {
  ./tests/soak --minutes 0 --seed 1 ClusterFailover SentinelFailover ClusterTailLost SentinelTailLost
}

groups[pandas]="the example that reads answers with pandas, which it installs below the target folder"
group_pandas() {
  require_toolchain
  python_environment pandas deploy/examples/requirements-pandas.txt
  cargo build --workspace --bins --locked
  PHUXANH_TEST_PYTHON=$environment/bin/python \
    cargo test -p phuxanh-tests --locked --features pandas --test examples pandas
}

groups[packages]="the Debian packages under a real systemd: install, run, upgrade, remove; needs root or sudo"
group_packages() {
  tests/packages/run
}

groups[containers]="the images and deploy/compose.yaml by podman: figures, kills, a cut network; needs root or sudo"
group_containers() {
  tests/containers/run
}
