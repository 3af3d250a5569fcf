# To be sourced: commands that end at once, with all that they have started,
# when the script ends.
#
# shellcheck shell=bash

declare -A children=()

# start COMMAND [ARGUMENT...]: runs it in the background, in a session of its
# own.  Its process id is $child.
start() {
	setsid "$@" </dev/null &
	child=$!
	children[$child]=1
}

# await ID: waits for the end of one, and returns its status.
await() {
	local status=0

	wait "$1" || status=$?
	unset "children[$1]"
	return $status
}

# The processes in a system die with "unshare", which "enter" runs.
end_children() {
	local id

	for id in "${!children[@]}"; do
		kill -KILL "$id" "-$id"
		wait "$id"
	done 2>/dev/null
	children=()
}
