# An application is put to rest, and goes on, whatever becomes of appbur. The words are TOKEN LEASE TIMES SHELL LISTEN
# QUIESCE LIMIT RELEASE LIMIT; LISTEN is the script that listens to appbur.
token=$1 lease=$2 times=$3 shell=$4 listen=$5 quiesce=$6 quieting=$7 release=$8 releasing=$9

# obey runs one of the two commands.
obey() {
	command=$1 limit=$2
	( run ) >&5 2>&5 3<&- 4>&- 5>&- &
	cmd=$!
	outlast
}

# guard does not depend on the process that it was started by.
guard() {
	how=0
	obey "$quiesce" "$quieting"
	if [ "$word:$code" = ended:0 ]; then
		say rests 0
		"$shell" -c "$listen" appbur "$token" "$lease" "$times" <&3 >&4 3<&- 5>&- &
		wait $!
		how=$?
	else
		[ "$word" = limit ] && say qtime "$code" || say quiet "$code"
	fi

	[ "$how" = 0 ] || exec 5>/dev/null
	obey "$release" "$releasing"
	[ "$how" = 0 ] || say alone "$how"
	say "$word" "$code"
}

guard 3<&3 &
wait $!
