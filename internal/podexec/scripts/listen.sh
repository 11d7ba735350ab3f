# Listens to appbur while an application rests, and ends when it shall go on: with 0 when appbur says so, with 1 when
# appbur is gone, with 3 after TIMES renewals, and by a signal when nothing was heard for LEASE.
token=$1 lease=$2 left=$3 timer=
exec 2>/dev/null 4>&-

arm() {
	(
		nap=
		trap 'kill $nap; exit 0' TERM
		sleep "$lease" &
		nap=$!
		wait "$nap" && kill -TERM $$
	) </dev/null >/dev/null &
	timer=$!
}

over() {
	kill "$timer"
	exit "$1"
}

arm
while read -r line; do
	case $line in
	end) over 0 ;;
	look) printf '%s still 000\n' "$token" ;;
	rest)
		left=$((left - 1))
		[ "$left" -gt 0 ] || over 3
		kill "$timer"
		arm
		;;
	esac
done
over 1
