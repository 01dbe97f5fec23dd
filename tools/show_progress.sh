# SPDX-License-Identifier: MIT
# For scripts that write the output of long commands to a log: source it.
silence_seconds=${OPENKEYRING_SILENCE_SECONDS:-30}
progress_pid=''

# show_progress WHAT LOG: from now on says each half a minute that WHAT goes on, with the last line of LOG.
show_progress() {
  hide_progress
  local what=$1 log=$2 script=$$ begin=$SECONDS
  while sleep "$silence_seconds" > /dev/null 2>&1 < /dev/null && kill -0 "$script" 2> /dev/null; do
    printf '  %s: %d s  %s\n' "$what" $((SECONDS - begin)) "$(tail -n 1 "$log" 2> /dev/null | tr -d '\r' | cut -c 1-90)"
  done &
  progress_pid=$!
}

hide_progress() {
  [[ -n $progress_pid ]] || return 0
  kill "$progress_pid" 2> /dev/null || true
  wait "$progress_pid" 2> /dev/null || true
  progress_pid=''
}
