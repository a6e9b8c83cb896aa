mk:
  cmd.run:
    - name: mkdir d && echo hi > d/f && tar --sort=name --mtime=@0 --owner=0 --group=0 -cf a.tar d && md5sum a.tar > sums && rm -r d
    - cwd: @ROOT@
{% for h in ['md5=00000000000000000000000000000000', '@ROOT@/sums', 'zzz', '@ROOT@/missing', 'salt://nope'] %}
x{{ loop.index }}:
  archive.extracted:
    - name: @ROOT@/x{{ loop.index }}
    - source: @ROOT@/a.tar
    - source_hash: {{ h }}
    - enforce_toplevel: False
{% endfor %}
rm:
  file.absent: [{name: '@ROOT@/a.tar'}, {order: last}]
rm2:
  file.absent: [{name: '@ROOT@/sums'}, {order: last}]
