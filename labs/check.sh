# For the `check` scripts of the labs, which read it: how to speak to a node of a lab that is up, under containerlab or
# under our runner, and how to say what holds. The script sets `name` first, the lab's name.
#
# `LAB_NODES`, where it is set, is a folder with a file a node that holds the process id of the node: the lab to look at
# where several of that name are up.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

if [ -n "${LAB_NODES:-}" ]; then
  on() { nsenter -t "$(<"$LAB_NODES/$1")" --net --mount --uts --pid -- "${@:2}"; }
elif command -v docker >/dev/null && [ -n "$(docker ps -q --filter "label=containerlab=$name")" ]; then
  on() { docker exec "clab-$name-$1" "${@:2}"; }
else
  cargo build -q --example lab || exit 1
  lab=${CARGO_TARGET_DIR:-target}/debug/examples/lab
  on() { "$lab" exec --lab "$name" "$1" -- "${@:2}"; }
fi

failed=0
holds() { # SENTENCE, the wanted count, the pattern of the lines to count, then the node and the command; waits up to 30 s
  local sentence=$1 wanted=$2 pattern=$3 text found end=$((SECONDS + 30))
  shift 3
  while :; do
    text=$(on "$@" 2>&1)
    found=$(grep -cE -- "$pattern" <<<"$text")
    if [ "$found" = "$wanted" ]; then
      echo "holds  $sentence"
      return
    fi
    [ $SECONDS -lt $end ] || break
    sleep 1
  done
  echo "FAILS  $sentence: found $found of $wanted in:"
  sed 's/^/         /' <<<"$text"
  failed=1
}
