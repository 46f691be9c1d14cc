#!/usr/bin/env bash
# A training on several machines, by torchrun: the same line on each of them, within ten minutes.
#
#     HEAD=node0 NODES=2 runs/torchrun.sh train --data data/mocap.npz -o runs/out/mine
#
# HEAD       one of the machines, by a name that all of them can reach; there they meet
# PORT       at which they meet
# NODES      how many machines
# PROCESSES  on each: as many as it has GPUs; a number for CPUs
# RUN        a name, where several runs meet at one machine
#
# What stands behind it is `pstmo`'s own: OUT must be a folder that all machines share, DATA the same on all of them.
# When a machine is lost the others end. Then the same line goes on, with the NODES that are left.
set -euo pipefail
: "${HEAD:?the machine at which all meet, such as HEAD=node0}"

exec torchrun \
    --nnodes "${NODES:-2}" \
    --nproc-per-node "${PROCESSES:-gpu}" \
    --rdzv-backend c10d \
    --rdzv-endpoint "$HEAD:${PORT:-29400}" \
    --rdzv-id "${RUN:-pstmo}" \
    -m pstmo "$@"
