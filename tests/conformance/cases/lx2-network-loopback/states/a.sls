f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ salt['network.hw_addr']('lo') }} {{ salt['network.in_subnet']('127.0.0.0/8') }} {{ salt['network.ip_addrs'](cidr='127.0.0.0/8') }} {{ salt['network.ip_addrs'](cidr='127.0.0.0/8', include_loopback=true) }}
