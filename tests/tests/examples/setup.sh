# What the examples find on their machine. Run once on each host, with the name of the module whose examples come.
module=$1

peers() { /usr/bin/python3 /srv/peers/peers.py "$@"; }

# Its two cables, as the simulated machine of the laws has them.
ip addr add 10.0.0.5/24 dev eth0
ip link add eth1 type veth peer name eth1-far
ip addr add 10.1.0.5/24 dev eth1
ip link set eth1 up
ip link set eth1-far up

cat > /etc/hosts <<EOF
127.0.0.1 localhost git.lab.example
127.0.0.2 deb.example.net old.example.net
10.0.0.3 old-node
EOF
echo old > /etc/hostname
echo Welcome > /etc/issue
echo 'a = 1' > /etc/application.conf
echo '/dev/old /mnt/old ext4 defaults 0 0' > /etc/fstab
rm -f /etc/nologin
mkdir -p /etc/default /mnt/old /var/lib/cache /etc/lab /srv/lab-pillar
: > /var/lib/cache/x.tmp
printf 'retired: 1\nold_roles: [kvm]\n' > /etc/lab/grains
printf "base:\n  '*': [all]\n" > /srv/lab-pillar/top.sls
echo 'example: {a: 1}' > /srv/lab-pillar/all.sls
# What puts the machine back between two examples, where one would be in the way of the next.
: > /srv/reset.sh

# The state tree.
mkdir -p /srv/lab-states/tree /srv/build/app
printf '#!/bin/sh\n' > /srv/lab-states/setup.sh
echo a > /srv/lab-states/tree/a.txt
echo '1 * * * * true' > /srv/lab-states/crontab
echo run > /srv/build/app/run
tar -czf /srv/lab-states/app.tar.gz -C /srv/build/app run

case $module in
file)
    echo '/swapfile none swap sw 0 0' > /etc/fstab
    printf -- '--- a/issue\n+++ b/issue\n@@ -1 +1 @@\n-Welcome\n+Welcome to the lab\n' > /srv/lab-states/issue.patch
    ;;
git)
    mkdir -p /srv/peers/git
    export GIT_AUTHOR_NAME=lab GIT_AUTHOR_EMAIL=lab@example.net GIT_COMMITTER_NAME=lab GIT_COMMITTER_EMAIL=lab@example.net
    git init --quiet --initial-branch=main /srv/build/tools
    cd /srv/build/tools
    echo 1 > tool
    git add tool
    git commit --quiet -m 'The first tool'
    git tag v1.0
    echo 2 > tool
    git commit --quiet -a -m 'The second tool'
    # A web server that knows nothing of git can give it away, once these two have run.
    git clone --quiet --bare /srv/build/tools /srv/peers/git/tools.git
    git -C /srv/peers/git/tools.git update-server-info
    git config --system http.sslCAInfo /srv/peers/cert.pem
    peers https=127.0.0.1:/srv/peers/git
    ;;
group)
    # Its group is to go, and cannot while it is that of a user.
    if id games > /dev/null 2>&1; then userdel games; fi
    ;;
http)
    ip addr add 10.0.0.1/32 dev lo
    mkdir -p /srv/peers/web
    echo ok > /srv/peers/web/healthz
    peers http=10.0.0.1:/srv/peers/web
    ;;
pkg|pkgrepo)
    # A machine of its own for dpkg and apt: nothing is installed but what is written here.
    rm -rf /var/lib/dpkg /var/lib/apt/lists /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/preferences.d
    mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers /var/lib/apt/lists /etc/apt/sources.list.d
    : > /var/lib/dpkg/status
    mkdir -p /srv/repo /srv/build/debs
    cd /srv/build/debs
    package() { # name version depends
        rm -rf "$1"
        mkdir -p "$1/DEBIAN" "$1/opt/$1"
        echo "$2" > "$1/opt/$1/version"
        printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: lab <lab@example.net>\nDescription: a test\n' "$1" "$2" > "$1/DEBIAN/control"
        if [ -n "$3" ]; then printf 'Depends: %s\n' "$3" >> "$1/DEBIAN/control"; fi
        dpkg-deb -b "$1" "$4/$1_$2.deb" > /dev/null
    }
    package curl 7.70 '' .
    package telnetd 1 '' .
    cat > /srv/reset.sh <<'EOF'
{ apt-mark unhold curl; dpkg --force-all -i /srv/build/debs/curl_7.70.deb /srv/build/debs/telnetd_1.deb; } > /dev/null 2>&1
EOF
    package curl 7.88 '' /srv/repo
    package libssl 3.0 '' /srv/repo
    package nginx 1.22 libssl /srv/repo
    cd /srv/repo
    for deb in *.deb; do
        dpkg-deb -f "$deb"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
    done > Packages
    echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list.d/lab.list
    # deb.example.net has nothing, and nobody has signed that: the key of the example is made up.
    suite=/srv/peers/deb/debian/dists/bookworm
    index=main/binary-$(dpkg --print-architecture)/Packages
    mkdir -p "$suite/$(dirname "$index")"
    : > "$suite/$index"
    printf 'Suite: bookworm\nCodename: bookworm\nComponents: main\nSHA256:\n %s 0 %s\n' "$(sha256sum < /dev/null | cut -d' ' -f1)" "$index" > "$suite/Release"
    echo 'Acquire::AllowInsecureRepositories "true";' > /etc/apt/apt.conf.d/90lab
    peers http=127.0.0.2:/srv/peers/deb
    sh /srv/reset.sh
    apt-get -qq update
    ;;
service)
    cat > /etc/init.d/nginx <<'EOF'
#!/bin/sh
pid=/run/nginx.pid
case $1 in
start) setsid sleep 1000000 > /dev/null 2>&1 < /dev/null & echo $! > $pid ;;
stop) kill "$(cat $pid)"; rm -f $pid ;;
restart) "$0" stop; "$0" start ;;
status) test -f $pid && kill -0 "$(cat $pid)" ;;
esac
EOF
    chmod 755 /etc/init.d/nginx
    ;;
ssh_known_hosts)
    mkdir -p /etc/ssh
    echo 'git.example.net ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKHEPHcJXkLj0UBCGHbxJB1xMVpEXPAHDvgtXQpAcXNk' > /etc/ssh/ssh_known_hosts
    ;;
ssh_auth)
    mkdir -p /root/.ssh
    echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFRXgrctv+tIs8anh+9H/QNscCqmHVQf1AtD5HwBqdW4 old' > /root/.ssh/authorized_keys
    ;;
tcp)
    echo '127.0.0.1 cplane' >> /etc/hosts
    peers port=127.0.0.1:6443
    ;;
user)
    useradd --create-home --uid 1400 guest
    ;;
esac
