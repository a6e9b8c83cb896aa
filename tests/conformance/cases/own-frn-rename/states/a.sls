one:
  file.rename:
    - name: @ROOT@/x
    - source: @ROOT@/a
again:
  file.rename:
    - name: @ROOT@/x
    - source: @ROOT@/a
exists:
  file.rename:
    - name: @ROOT@/c
    - source: @ROOT@/b
force:
  file.rename:
    - name: @ROOT@/c
    - source: @ROOT@/b
    - force: True
mk:
  file.rename:
    - name: @ROOT@/p/q
    - source: @ROOT@/x
nomk:
  file.rename:
    - name: @ROOT@/p/q
    - source: @ROOT@/x
    - makedirs: True
