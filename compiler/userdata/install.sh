# Installs Docker and the agent, unless they are there: systemd runs this before the agent, at each boot.
# The first failure ends the stack's wait, with the reason in the boot log.
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
	# A stack would take the signal of an instance that has booted before for another's.
	grep -qs "$instance" /var/lib/spacel/status.json ||
		aws cloudformation signal-resource --stack-name "$stack" --logical-resource-id "$resource" \
			--unique-id "$instance" --status FAILURE
	exit 1
}

uptime() { cut -d. -f1 /proc/uptime; }

# retry SECONDS COMMAND...: network, permissions and mirrors may lag.
retry() {
	limit=$(($(uptime) + $1))
	shift
	until "$@"; do
		[ "$(uptime)" -lt "$limit" ] || return 1
		sleep 2
	done
}

missing() {
	command -v aws >/dev/null || echo awscli
	[ "$docker" = true ] || return 0
	command -v dockerd >/dev/null || echo docker.io apparmor
	# The client is apart since Debian 13.
	command -v docker >/dev/null || ! { command -v dockerd || apt-cache madison docker-cli | grep .; } >/dev/null 2>&1 || echo docker-cli
}

# Without deb-src and translations, update reads a third. A new disk needs no sync after each package.
apt() {
	apt-get -qq -o Acquire::http::Timeout=15 -o DPkg::Lock::Timeout=60 -o Acquire::Languages=none \
		-o Acquire::IndexTargets::deb-src::Sources::DefaultEnabled=0 -o DPkg::Options::=--force-unsafe-io "$@"
}

install_packages() {
	dpkg --configure -a # after an interrupted boot
	apt update
	packages=$(missing)
	# shellcheck disable=SC2086 # a list
	apt install --no-install-recommends $packages && [ -z "$(missing)" ]
}

digest_of() { sha256sum <"$1" | cut -d' ' -f1; }

have_agent() { [ -x "$agent" ] && [ "$(digest_of "$agent")" = "$digest" ]; }

fetch() {
	retry 120 aws s3api get-object --cli-connect-timeout 10 --bucket "$bucket" --key "$key" "$agent.new" >/dev/null
}

fetching=
if ! have_agent && command -v aws >/dev/null; then
	fetch & # while packages are installed
	fetching=$!
fi

if [ -n "$(missing)" ]; then
	exec 9>/var/lib/apt/daily_lock # which unattended upgrades wait for
	flock -w 120 9
	retry 240 install_packages || fail "the packages $(missing | tr '\n' ' ')could not be installed"
	exec 9>&-
fi

! have_agent || exit 0
if [ "$fetching" ]; then wait $fetching; else fetch; fi || fail "the agent could not be fetched from s3://$bucket/$key"
got=$(digest_of "$agent.new")
if [ "$got" != "$digest" ]; then
	rm -f "$agent.new"
	fail "the agent from s3://$bucket/$key has the sha256 $got, not $digest: refused"
fi
chmod 0755 "$agent.new"
"$agent.new" version || fail "the agent does not run on this machine"
mv "$agent.new" "$agent"
