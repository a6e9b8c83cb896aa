f:
  file.managed:
    - name: @ROOT@/f
    - source: salt://t.j2
    - source_hash: 1111
g:
  file.managed:
    - name: @ROOT@/g
    - source: @ROOT@/s
    - source_hash: md5=00000000000000000000000000000000
