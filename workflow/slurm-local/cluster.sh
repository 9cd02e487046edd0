#!/usr/bin/env bash
# A Slurm cluster of two nodes on this one machine, on loopback only, for trying the workflow.
#
#   cluster.sh start          munge, controller and the nodes node1 and node2, of one core each
#   cluster.sh stop-node N    let node N vanish, with everything that runs on it
#   cluster.sh stop           end everything
#
# Needs Debian's packages slurm-wlm and munge. Its files are in $SLURM_LOCAL (build/slurm-local);
# other commands find the cluster with SLURM_CONF=$SLURM_LOCAL/slurm.conf, and Snakemake with
# $SLURM_LOCAL/bin before the rest of PATH.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/sbin:/sbin"
base=${SLURM_LOCAL:-$PWD/build/slurm-local}
export SLURM_CONF=$base/slurm.conf
nodes="node1 node2"

write_configuration() {
  local user host
  user=$(id -un)
  host=$(hostname -s)
  mkdir -p "$base"/{bin,state,log,run,spool/node1,spool/node2}
  chmod 700 "$base"
  (umask 077 && head -c 1024 /dev/urandom > "$base/munge.key")
  cat > "$SLURM_CONF" << END
ClusterName=dkg
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=27002
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$base/run/munge.socket
CredType=cred/munge
# Without these two the daemons would listen on every address of the machine.
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$base/state
SlurmdSpoolDir=$base/spool/%n
SlurmctldPidFile=$base/run/slurmctld.pid
SlurmdPidFile=$base/run/%n.pid
SlurmctldLogFile=$base/log/slurmctld.log
SlurmdLogFile=$base/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
# A node that has not answered for so many seconds is down, and its jobs run elsewhere.
SlurmdTimeout=15
KillWait=5
JobRequeue=1
MinJobAge=7200
ReturnToService=2
NodeName=node1 NodeHostname=$host NodeAddr=127.0.0.1 Port=27011 CPUs=1 RealMemory=4000
NodeName=node2 NodeHostname=$host NodeAddr=127.0.0.1 Port=27012 CPUs=1 RealMemory=4000
PartitionName=main Nodes=node1,node2 Default=YES MaxTime=INFINITE State=UP
END
  # Snakemake's plugin takes SLURM_CONF from the environment in which it calls srun.
  printf '#!/bin/sh\nSLURM_CONF=%q exec %q "$@"\n' "$SLURM_CONF" "$(command -v srun)" > "$base/bin/srun"
  chmod +x "$base/bin/srun"
}

start() {
  if [ -e "$base/run/slurmctld.pid" ]; then
    echo "$base: a cluster is running; cluster.sh stop ends it" >&2
    exit 1
  fi
  rm -rf "$base"
  write_configuration
  munged --key-file="$base/munge.key" --socket="$base/run/munge.socket" \
    --pid-file="$base/run/munged.pid" --log-file="$base/log/munged.log" \
    --seed-file="$base/run/munged.seed" --force
  slurmctld
  for node in $nodes; do slurmd -N "$node"; done
  for _ in $(seq 60); do
    if [ "$(sinfo --noheader --Node --states=idle 2> /dev/null | wc -l)" -eq 2 ]; then
      sinfo --Node
      return
    fi
    sleep 1
  done
  echo "the nodes did not come up within a minute; see $base/log" >&2
  exit 1
}

# Print a process and all that it started, the youngest last.
tree() {
  echo "$1"
  local child
  for child in $(ps -o pid= --ppid "$1"); do tree "$child"; done
}

stop_node() {
  local node=$1 job step
  kill -KILL "$(cat "$base/run/$node.pid")"
  rm "$base/run/$node.pid"
  # Its jobs would go on: each has a process of Slurm's of its own, for the script and each step.
  for job in $(squeue --noheader --states=running,completing --nodelist="$node" --format=%A); do
    for step in $(ps -eo pid=,args= | awk -v job="[$job." '/slurmstepd: / && index($0, job) {print $1}'); do
      tree "$step" | xargs kill -KILL 2> /dev/null || true
    done
    echo "$node is gone, and with it job $job"
  done
}

stop() {
  local pid
  scancel --user="$(id -un)" 2> /dev/null || true
  for pid in "$base"/run/*.pid; do
    [ -e "$pid" ] || continue
    kill "$(cat "$pid")" 2> /dev/null || true
  done
  for _ in $(seq 30); do
    compgen -G "$base/run/*.pid" > /dev/null || return 0
    sleep 1
  done
  rm -f "$base"/run/*.pid
}

case "${1:-}" in
  start) start ;;
  stop-node) stop_node "$2" ;;
  stop) stop ;;
  *) sed -n 's/^# \{0,1\}//; 2,11p' "$0" >&2; exit 2 ;;
esac
