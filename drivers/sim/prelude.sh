# Read before every script of a simulated phone whose shell is a plain POSIX one (dash, bash, ash). See channel.py.
_sim() {
	local IFS _s _q _a _r _m _e
	IFS=' ' _q="${#SIM_UID}:$SIM_UID" _r='' _m='' _e=''
	for _a in "$@"; do _q="$_q${#_a}:$_a"; done
	read -r _a <"$SIM_CHANNEL/mutex"
	read -r _s <"$SIM_CHANNEL/slots"
	echo >"$SIM_CHANNEL/mutex"
	{
		while [ ${#_q} -gt 400 ]; do
			_a=$(printf '%.400s.' "$_q")
			_a=${_a%.}
			printf '%s400+%s' "$_s" "$_a" >"$SIM_CHANNEL/requests"
			_q=${_q#"$_a"}
		done
		printf '%s%s.%s' "$_s" ${#_q} "$_q" >"$SIM_CHANNEL/requests"
		read -r _r _m _e
		if [ -n "$_e" ]; then printf '%b\n' "$_e" >&2; fi
		"$SIM_BIN/cat"
	} <"$SIM_CHANNEL/$_s"
	return ${_r:-255}
}
cd "$SIM_ROOT"
PS1='$ '
