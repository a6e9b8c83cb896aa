new:
  file.copy:
    - name: @ROOT@/new
    - source: @ROOT@/s
exists:
  file.copy:
    - name: @ROOT@/e
    - source: @ROOT@/s
force:
  file.copy:
    - name: @ROOT@/e
    - source: @ROOT@/s
    - force: True
nosrc:
  file.copy:
    - name: @ROOT@/n
    - source: @ROOT@/nope
