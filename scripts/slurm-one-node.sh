#!/bin/bash
# A real Slurm with one node on this machine, for test/lab/slurm.test.ts: controller, node and munge of its own, all below DIR,
# on ports of its own, no accounting, as whoever calls it. Two partitions share the node: jobs of `urgent` put those of `main`
# back into the queue. MaxArraySize is 4.
# Needs: apt-get install --no-install-recommends slurmctld slurmd slurm-client munge
# usage: slurm-one-node.sh start|stop|kill-node|kill-daemons|start-node DIR       then: export SLURM_CONF=DIR/slurm.conf
#   kill-node: as when the machine dies, with all that runs on it; kill-daemons: Slurm's processes alone, its tasks run on
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
what=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
export SLURM_CONF=$dir/slurm.conf

pid_of() { cat "$dir/$1.pid" 2>/dev/null || true; }
end() { local pid; pid=$(pid_of "$2"); [ -z "$pid" ] || kill "-$1" "$pid" 2>/dev/null || true; }
# Of this Slurm's own steps: their command line names the node's configuration through the environment alone.
steps() {
  for step in $(pgrep -f '^slurmstepd: ' || true); do
    if tr '\0' '\n' <"/proc/$step/environ" 2>/dev/null | grep -qx "SLURM_CONF=$SLURM_CONF"; then echo "$step"; fi
  done
}
start_node() {
  slurmd
  for _ in $(seq 50); do sinfo -h -p main -o %t 2>/dev/null | grep -qE '^(idle|mix|alloc|comp)$' && return; sleep 0.2; done
}

case "$what" in
start)
  mkdir -p "$dir"/{state,spool,log,munge}
  chmod 755 "$dir/munge"
  [ -s "$dir/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$dir/munge.key")
  host=$(hostname -s)
  cat >"$SLURM_CONF" <<CONF
ClusterName=initlab
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
# A job that is queued anew waits for its old credential to expire: two minutes, were it not for this.
AuthInfo=socket=$dir/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldLogFile=$dir/log/slurmctld.log
SlurmdLogFile=$dir/log/slurmd.log
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
# So that a job whose node died is missed soon.
BatchStartTimeout=1
MessageTimeout=5
SlurmctldTimeout=30
SlurmdTimeout=30
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
MaxArraySize=4
JobRequeue=1
KillWait=10
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES PriorityTier=1 MaxTime=60 State=UP
PartitionName=urgent Nodes=$host PriorityTier=10 MaxTime=60 State=UP
CONF
  munged --force --socket="$dir/munge/socket" --key-file="$dir/munge.key" --pid-file="$dir/munged.pid" \
    --log-file="$dir/log/munged.log" --seed-file="$dir/munge.seed" 2>>"$dir/log/munged.err"
  slurmctld
  for _ in $(seq 50); do scontrol ping 2>/dev/null | grep -q UP && break; sleep 0.2; done
  scontrol ping 2>/dev/null | grep -q UP || { tail -n 5 "$dir/log/slurmctld.log" >&2; exit 1; }
  start_node
  sinfo
  ;;
kill-node | kill-daemons)
  end KILL slurmd
  for step in $(steps); do
    tasks=$(pgrep -P "$step" || true)
    kill -KILL "$step" 2>/dev/null || true
    [ "$what" = kill-daemons ] || for task in $tasks; do kill -KILL "$task" 2>/dev/null || true; done
  done
  ;;
start-node) start_node ;;
stop)
  scancel --user="$(id -un)" 2>/dev/null || true
  for _ in $(seq 25); do [ -n "$(squeue -h 2>/dev/null)" ] || break; sleep 0.2; done
  for each in slurmd slurmctld munged; do
    pid=$(pid_of $each)
    end TERM $each
    # One that has ended but is not waited for yet has no command line any more.
    for _ in $(seq 50); do [ -n "$pid" ] && [ -n "$(tr -d '\0' 2>/dev/null <"/proc/$pid/cmdline")" ] || break; sleep 0.1; done
  done
  ;;
*) sed -n 's/^# usage: //p' "$0"; exit 2 ;;
esac
