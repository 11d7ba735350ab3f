# One command. The words are TOKEN LIMIT SIZE USE FILE COMMAND: SIZE of the payload or none, USE of FILE.
token=$1 limit=$2 size=$3 use=$4 file=$5 command=$6

# whole copies the payload, and fails if it is not followed by the word that it is all there. Nothing is read ahead.
whole() {
	blocks=$((size / 65536)) rest=$((size % 65536)) line=
	[ "$blocks" = 0 ] || dd bs=65536 count="$blocks" iflag=fullblock <&3 || return 1
	[ "$rest" = 0 ] || dd bs="$rest" count=1 iflag=fullblock <&3 || return 1
	IFS= read -r line <&3 && [ "$line" = "$token whole" ]
}

# feed gives a command its payload. Before one that is not whole would end, the command is ended: it must not take it.
feed() {
	whole && return
	while :; do
		ends KILL
		sleep 1
		ends KILL
		kill -0 $$ || return
	done
}

# alive waits until appbur is not heard any more, and ends the command.
alive() {
	while read -r line; do :; done
	trap '' TERM
	ends TERM
	sleep 3
	ends KILL
}

case $use:$size in
reads:*)
	if ! whole >"$file"; then
		rm -f "$file"
		say spool 1
		exit 1
	fi
	( run ) 2>&5 3<&- 4>&- 5>&- &
	cmd=$!
	;;
writes:*)
	( run ) >&5 2>&5 3<&- 4>&- 5>&- &
	cmd=$!
	;;
*:none)
	( run ) 2>&5 3<&- 4>&- 5>&- &
	cmd=$!
	;;
*)
	# Some shells wait for all of a pipe, so that what feeds it is none of their children. Some keep what they redirect
	# for a function open.
	{ ( exec 4>&- 5>&- && feed ) & } | ( run ) 2>&5 3<&- 4>&- 5>&- &
	cmd=$!
	;;
esac

life=
if [ "$size" = none ]; then
	( exec <&3 >/dev/null 3<&- 4>&- 5>&- && alive ) &
	life=$!
fi
outlast
[ -z "$life" ] || kill "$life"
if [ "$use:$word:$code" = writes:ended:0 ]; then
	cat "$file" || word=spool
fi
[ "$use" = none ] || rm -f "$file"
say "$word" "$code"
