# Runs a command in a container under the eyes of appbur. Any POSIX shell.
# On descriptor 3 appbur is heard; on 4 it is told "TOKEN WORD CODE". What a shell says of its jobs goes nowhere; 5 is
# where commands complain.
umask 077
exec 3<&0 4>&1 5>&2 </dev/null 2>/dev/null
cmd= word= code=

# ends has a signal sent to everything that carries the mark of this run.
ends() {
	for p in /proc/[0-9]*; do
		grep -qs "APPBUR_RUN=$token" "$p/environ" && kill -"$1" "${p#/proc/}"
	done
	[ -z "$cmd" ] || kill -"$1" "$cmd"
}

# run runs a command, marked.
run() {
	export APPBUR_RUN="$token"
	eval "$command"
}

# timed ends the command when its time is over, and ends with 9 then.
timed() {
	nap=
	trap 'kill $nap; exit 0' TERM
	sleep "$limit" &
	nap=$!
	wait "$nap" || exit 0
	trap '' TERM
	ends TERM
	for second in 1 2 3 4 5; do
		kill -0 "$cmd" || exit 9
		sleep 1
	done
	ends KILL
	exit 9
}

# outlast waits for the command, and sets word and code.
outlast() {
	( exec </dev/null >/dev/null 3<&- 4>&- 5>&- && timed ) &
	timer=$!
	wait "$cmd"
	code=$? word=ended
	kill "$timer"
	wait "$timer"
	[ $? != 9 ] || word=limit
	cmd=
}

say() { printf '%s %s %03d\n' "$token" "$1" "$2" >&4; }
