# Installs Docker and the agent, whatever of them is not there yet: systemd runs this before it starts the agent, at each boot.
# The first thing that fails ends the stack's wait, with the reason in the orbit's boot log.
set -u
export AWS_DEFAULT_REGION="$region" DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
instance=$(cat /var/lib/cloud/data/instance-id)
agent=/usr/local/bin/spacel-agent

fail() {
	echo "spacel: $1" >&2
	stream="$log_stream/$instance"
	aws logs create-log-stream --log-group-name "$log_group" --log-stream-name "$stream"
	aws logs put-log-events --log-group-name "$log_group" --log-stream-name "$stream" \
		--log-events "[{\"timestamp\":$(date +%s)000,\"message\":\"$1\"}]"
	# Nobody waits for an instance that has booted before: a stack would take the signal for another's.
	grep -qs "$instance" /var/lib/spacel/status.json ||
		aws cloudformation signal-resource --stack-name "$stack" --logical-resource-id "$resource" \
			--unique-id "$instance" --status FAILURE
	exit 1
}

uptime() { cut -d. -f1 /proc/uptime; }

# retry SECONDS COMMAND...: a new instance's network, permissions and mirrors may lag.
retry() {
	limit=$(($(uptime) + $1))
	shift
	until "$@"; do
		[ "$(uptime)" -lt "$limit" ] || return 1
		sleep 5
	done
}

missing() {
	command -v aws >/dev/null || echo awscli
	[ "$docker" = true ] || return 0
	if ! command -v dockerd >/dev/null; then
		echo docker.io apparmor
	elif ! command -v docker >/dev/null; then
		echo docker-cli # apart from docker.io since Debian 13
	fi
}

apt() { apt-get -qq -o Acquire::http::Timeout=15 -o DPkg::Lock::Timeout=60 "$@"; }

install_missing() {
	packages=$(missing)
	# shellcheck disable=SC2086 # a list
	[ -z "$packages" ] || apt install --no-install-recommends $packages
}

install_packages() {
	dpkg --configure -a # an earlier boot may have been interrupted
	apt update
	install_missing && install_missing
}

digest_of() { sha256sum <"$1" | cut -d' ' -f1; }

if [ -n "$(missing)" ]; then
	exec 9>/var/lib/apt/daily_lock # which unattended upgrades wait for
	flock -w 120 9
	retry 240 install_packages || fail "the packages $(missing | tr '\n' ' ')could not be installed"
	exec 9>&-
fi

[ ! -x "$agent" ] || [ "$(digest_of "$agent")" != "$digest" ] || exit 0
retry 120 aws s3api get-object --cli-connect-timeout 10 --bucket "$bucket" --key "$key" "$agent.new" >/dev/null ||
	fail "the agent could not be fetched from s3://$bucket/$key"
got=$(digest_of "$agent.new")
if [ "$got" != "$digest" ]; then
	rm -f "$agent.new"
	fail "the agent from s3://$bucket/$key has the sha256 $got, not $digest: refused"
fi
chmod 0755 "$agent.new"
"$agent.new" version || fail "the agent does not run on this machine"
mv "$agent.new" "$agent"
