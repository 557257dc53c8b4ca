
# Installs Docker and the agent, once per instance. The first thing that fails ends the stack's wait, with the reason in
# the orbit's boot log.
set -u
export DEBIAN_FRONTEND=noninteractive AWS_DEFAULT_REGION="$region"
instance=$(cat /var/lib/cloud/data/instance-id)
agent=/usr/local/bin/spacel-agent

fail() {
	echo "spacel: $1" >&2
	stream="$log_stream/$instance"
	aws logs create-log-stream --log-group-name "$log_group" --log-stream-name "$stream"
	aws logs put-log-events --log-group-name "$log_group" --log-stream-name "$stream" \
		--log-events "[{\"timestamp\":$(date +%s)000,\"message\":\"$1\"}]"
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
	[ "$docker" = false ] || command -v dockerd >/dev/null || echo docker.io apparmor
}

install_packages() {
	packages=$(missing)
	[ -n "$packages" ] || return 0
	apt-get update -qq
	case $packages in
	*docker*) ! apt-cache show docker-cli >/dev/null 2>&1 || packages="$packages docker-cli" ;; # apart since Debian 13
	esac
	# shellcheck disable=SC2086 # a list
	apt-get install -qq --no-install-recommends -o DPkg::Lock::Timeout=60 $packages
}

fetch_agent() { aws s3api get-object --bucket "$bucket" --key "$key" "$agent.new" >/dev/null; }

exec 9>/var/lib/apt/daily_lock # which unattended upgrades wait for
flock -w 120 9
retry 240 install_packages || fail "the packages could not be installed"
exec 9>&-

retry 120 fetch_agent || fail "the agent could not be fetched from s3://$bucket/$key"
got=$(sha256sum <"$agent.new")
got=${got%% *}
if [ "$got" != "$digest" ]; then
	rm -f "$agent.new"
	fail "the agent from s3://$bucket/$key has the sha256 $got, not $digest: refused"
fi
chmod 0755 "$agent.new"
"$agent.new" version || fail "the agent does not run on this machine"
mv "$agent.new" "$agent"

systemctl daemon-reload
systemctl enable spacel-agent.service
systemctl start --no-block spacel-agent.service
