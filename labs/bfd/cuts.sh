#!/bin/sh
# How long from the cut of the wire to hq-1 (FRR) until in-0's kernel forwards no more to it, so many times (10).
# The lab must be up; LAB is how it is talked to. A cut's time is taken before `ip link` is started, so that is in it.
set -eu
: "${LAB:=cargo run -q --release --example lab -- exec}"
times=${1:-10}

rests() {
    shown=$($LAB in-0 twinspan show neighbors hq-1/in-0 --json | tr -d ' \n')
    case $shown in *'"state":"established"'*'"detection_time_ms":300'*) ;; *) return 1 ;; esac
    $LAB in-0 ip nexthop show proto 179 | grep -q 'group .*/'
}

for _ in $(seq "$times"); do
    until rests; do sleep 1; done
    $LAB in-0 sh -c 'timeout 3 ip -ts monitor nexthop > /run/cut.log 2>&1' &
    until $LAB in-0 pidof ip > /dev/null; do :; done
    cut=$($LAB wire-1 sh -c 'date +%s.%N; ip link set eth2 nomaster')
    wait
    change=$($LAB in-0 sh -c "sed -n 's/^\[\([^]]*\)\].*/\1/p' /run/cut.log | head -1")
    echo "$(date -d "$change" +%s.%N) $cut" | awk '{ printf "%.0f ms\n", ($1 - $2) * 1000 }'
    $LAB wire-1 ip link set eth2 master wire
done
