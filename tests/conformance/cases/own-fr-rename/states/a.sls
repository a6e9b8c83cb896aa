a:
  file.rename:
    - name: @ROOT@/new
    - source: @ROOT@/old
again:
  file.rename:
    - name: @ROOT@/new
    - source: @ROOT@/old
exists:
  file.rename:
    - name: @ROOT@/there
    - source: @ROOT@/old2
force:
  file.rename:
    - name: @ROOT@/there2
    - source: @ROOT@/old3
    - force: True
mk:
  file.rename:
    - name: @ROOT@/x/y
    - source: @ROOT@/old4
    - makedirs: True
nomk:
  file.rename:
    - name: @ROOT@/p/q
    - source: @ROOT@/old5
