# The host's bridge. It takes the management address over from the network card without losing a packet, so the run that
# builds it goes on over the same connection.
br0:
  bridge.present:
    - ports:
      - eth0
    - take_over: eth0
    - stp: False
