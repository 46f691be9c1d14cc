#!/usr/bin/env bash
# A training on several machines, by SLURM; goes on by itself after its time is over, a preemption, or a lost machine.
#
#     sbatch --nodes 2 runs/slurm.sh train --data data/mocap.npz -o runs/out/mine
#
# One task a GPU, and as many GPUs on each machine as tasks: change both together. OUT must be a folder that all machines
# share, DATA the same on all of them. A job that is put back into the queue may come out with other --nodes
# (scontrol update): the batch stays the recipe's.
#SBATCH --job-name=pstmo
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gres=gpu:8
#SBATCH --cpus-per-task=4
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=pstmo-%j.log
# Two minutes before the time is over every process gets SIGTERM: the step is finished, the state saved, the end is 143.
#SBATCH --signal=TERM@120
set -uo pipefail

MOST=20 # starts of one job, so that one that dies each time does not do so for ever
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"

# --kill-on-bad-exit: when one process is lost, the others need not wait until they miss it.
srun --kill-on-bad-exit=1 python -m pstmo "$@"
code=$?

# 0: finished. 2: a mistake in the input, the same the next time. Everything else can be gone on from.
if ((code == 0 || code == 2)); then
    exit "$code"
fi
if ((${SLURM_RESTART_COUNT:-0} + 1 >= MOST)); then
    echo "ended with $code, started $MOST times: not again" >&2
    exit "$code"
fi
echo "ended with $code: back into the queue" >&2
scontrol requeue "$SLURM_JOB_ID"
