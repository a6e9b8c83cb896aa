lab-network:
  net.config:
    - interfaces:
        dummy7: {type: dummy, mtu: 9000, addresses: [192.0.2.7/32]}
    - modules: {br_netfilter: {}}
    - sysctl:
        net.ipv4.ip_forward: 1
        net.bridge.bridge-nf-call-iptables: 0
        net.ipv4.conf.dummy7.proxy_arp: 1
