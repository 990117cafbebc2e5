#!/usr/bin/env bash
# What scripts/install-check.sh does inside the fresh system: not to be called by hand.
set -euo pipefail
cd /src
readonly settings=/etc/sidecar/sidecar.yaml socket=/run/sidecar/admin.sock

fail() { echo "FAILED: $1" >&2; tail -20 /tmp/sidecar.log /tmp/*.log 2>/dev/null >&2; exit 1; }
say() { echo "== $1"; }

# The loopback of a namespace of its own is down.
ip link set lo up

# Names that could be ours, outside of what the check itself brought.
ours() { find / -xdev \( -path /proc -o -path /src -o -path /tmp -o -path /etc/haproxy \) -prune -o -iname '*sidecar*' -print; }

# What systemd would do with the unit, without its sandbox.
groups_of_unit() { sed -n 's/^SupplementaryGroups=//p' /etc/systemd/system/sidecar.service.d/*.conf | tr ' ' ','; }

command_of() { sed -n "s/^$1=//p" /etc/systemd/system/sidecar.service | sed 's/ \$SIDECAR_FLAGS//'; }

# In place of the shell that calls it.
as_unit() {
  exec setpriv --reuid=sidecar --regid=sidecar --groups="sidecar,$(groups_of_unit)" --inh-caps=-all --no-new-privs \
    env -i STATE_DIRECTORY=/var/lib/sidecar DOTNET_EnableDiagnostics=0 bash -c "umask 0027; exec $1"
}

start() {
  install -d -m 0750 -o sidecar -g sidecar /var/lib/sidecar
  : >/tmp/sidecar.log
  (as_unit "$(command_of ExecStart)") >/tmp/sidecar.log 2>&1 &
  daemon=$!
  for _ in {1..200}; do
    grep -q 'is up' /tmp/sidecar.log && return
    kill -0 $daemon 2>/dev/null || fail "the daemon did not start"
    sleep 0.1
  done
  fail "the daemon is not up after 20 s"
}

stop() { kill $daemon; wait $daemon || fail "the daemon ended with $?"; }

reload() { (as_unit "$(command_of ExecReload)"); }

# The status that a client gets; tried until the proxy and the agent are up.
ask() {
  local status=''
  for _ in {1..100}; do
    status=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$1$2" || true)
    [[ $status == "$3" ]] && return
    sleep 0.1
  done
  fail "$4: $2 was answered $status instead of $3"
}

say "install"
scripts/install.sh --binary /src/sidecar
sidecar check | grep -q "^$settings is valid: 1 listener, 0 agents, 0 routes$" || fail "the sample is not valid"

say "first start, as it was installed: nothing is inspected, and that is said"
start
grep -q 'nobody can ask, and nothing is inspected' /tmp/sidecar.log || fail "it is not said that nothing is inspected"
sidecar status --admin $socket | grep -q '^! no listener is for a proxy' || fail "status does not say so either"
reload | grep -q 'nothing has changed' || fail "a reload without a change"

say "the file for three proxies, by a reload"
install -d -m 0755 -o sidecar -g sidecar /run/waf
setpriv --reuid=sidecar --regid=sidecar --clear-groups sidecar agent demo --listen /run/waf/agent.sock --block-path attack >/tmp/agent.log 2>&1 &
agent=$!
cat >$settings <<'YAML'
version: 1
listeners:
  admin: {for: admin, socket: /run/sidecar/admin.sock}
  nginx: {for: nginx, socket: /run/sidecar/http.sock, group: www-data}
  caddy: {for: caddy, socket: /run/sidecar/caddy.sock, group: caddy}
  haproxy: {for: haproxy, socket: /var/lib/haproxy/sidecar/spop.sock, group: haproxy}
agents:
  waf: {at: "unix:/run/waf/agent.sock", timeout: 300ms}
routes:
- {name: site, match: any, inspect: [waf]}
YAML
if ! sidecar check; then fail "the file for three proxies is not valid"; fi
reload || fail "the file for three proxies is refused"

say "the upstream, and the three proxies as their packages run them"
cat >/etc/nginx/conf.d/origin.conf <<'CONF'
server { listen 127.0.0.1:8081; location / { return 200 "origin\n"; } }
CONF
cp scripts/nginx/sidecar-*.conf /etc/nginx/
cat >/etc/nginx/conf.d/site.conf <<'CONF'
include /etc/nginx/sidecar-http.conf;
server {
    listen 127.0.0.1:8080;
    include /etc/nginx/sidecar-check.conf;
    location / {
        include /etc/nginx/sidecar-protect.conf;
        proxy_pass http://127.0.0.1:8081;
    }
}
CONF
rm -f /etc/nginx/sites-enabled/default
nginx -t 2>/tmp/nginx.log || fail "nginx does not take its configuration"
nginx

sed -e 's|^    # chroot /var/lib/haproxy|    chroot /var/lib/haproxy\n    user haproxy\n    group haproxy|' -e 's|bind 127.0.0.1:8080|bind 127.0.0.1:8090|' \
  -e 's|unix@[^ ]*|unix@/sidecar/spop.sock|' scripts/haproxy/haproxy.cfg >/etc/haproxy/haproxy.cfg
cp scripts/haproxy/sidecar.lua scripts/haproxy/spoe.cfg /etc/haproxy/
haproxy -db -f /etc/haproxy/haproxy.cfg >/tmp/haproxy.log 2>&1 &

sed -e 's|/run/sidecar/http.sock|/run/sidecar/caddy.sock|' -e 's|^http://:8080 {|http://:8070 {|' -e 's|output file error.log|output stderr|' \
  scripts/caddy/Caddyfile >/etc/caddy/Caddyfile
setpriv --reuid=caddy --regid=caddy --init-groups env HOME=/var/lib/caddy caddy run --config /etc/caddy/Caddyfile --adapter caddyfile >/tmp/caddy.log 2>&1 &

for proxy in nginx:8080 haproxy:8090 caddy:8070; do
  ask "${proxy#*:}" /hello 200 "${proxy%:*}"
  ask "${proxy#*:}" /attack 403 "${proxy%:*}"
  echo "   ${proxy%:*} allows and blocks"
done

say "a file that cannot be used: the reload fails, and all goes on"
cp $settings /tmp/good.yaml
echo 'routes: what' >>$settings
if reload 2>/tmp/reload.log; then fail "a reload of a bad file succeeds"; fi
grep -q "^sidecar: $settings:" /tmp/reload.log || fail "the reload does not say where the file is wrong"
ask 8080 /hello 200 "after a bad reload"

say "a start with that file: the last good one counts"
stop
start
grep -q 'the last good one counts' /tmp/sidecar.log || fail "the last good configuration is not used"
ask 8080 /hello 200 "on the last good configuration"
cp /tmp/good.yaml $settings
reload || fail "the mended file is refused"
stop

say "uninstall"
kill $agent
wait $agent || true
rm -rf /run/waf
scripts/install.sh --uninstall --purge
nginx -s stop
rm -rf /etc/nginx/conf.d/* /etc/nginx/sidecar-*.conf
if [[ -n $(ours) ]]; then fail "left behind: $(ours)"; fi
if getent passwd sidecar || getent group sidecar; then fail "the user or the group is left"; fi
say "all is well"
