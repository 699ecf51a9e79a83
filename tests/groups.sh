# Sourced by tests/run and .ci/run: the groups of tests beside the default one. A group is an entry of
# `groups`, which says what it tests and needs, and a function `group_NAME`, which prepares what it
# needs and runs it from the root of the tree. `.ci/run` runs all of them.

declare -A groups=()

group_names() {
  printf '%s\n' "${!groups[@]}" | sort
}

groups[failovers]="delivery while a Redis Cluster, or a Redis under Sentinel, loses its master"
group_failovers() {
  ./tests/soak --minutes 0 --seed 1 ClusterFailover SentinelFailover ClusterTailLost SentinelTailLost
}

groups[packages]="the Debian packages under a real systemd: install, run, upgrade, remove; needs root or sudo"
group_packages() {
  tests/packages/run
}

groups[containers]="the images and deploy/compose.yaml by podman: figures, kills, a cut network; needs root or sudo"
group_containers() {
  tests/containers/run
}
