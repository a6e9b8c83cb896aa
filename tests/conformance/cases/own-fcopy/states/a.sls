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
deep:
  file.copy:
    - name: @ROOT@/p/q
    - source: @ROOT@/s
mk:
  file.copy:
    - name: @ROOT@/m/q
    - source: @ROOT@/s
    - makedirs: True
mode:
  file.copy:
    - name: @ROOT@/mode
    - source: @ROOT@/s
    - mode: '0600'
pres:
  file.copy:
    - name: @ROOT@/pres
    - source: @ROOT@/s
    - preserve: True
dir:
  file.copy:
    - name: @ROOT@/dd
    - source: @ROOT@/d
intodir:
  file.copy:
    - name: @ROOT@/d
    - source: @ROOT@/s
subdir:
  file.copy:
    - name: @ROOT@/d
    - source: @ROOT@/s
    - subdir: True
samef:
  file.copy:
    - name: @ROOT@/new
    - source: @ROOT@/s
    - force: True
rel:
  file.copy:
    - name: rel
    - source: @ROOT@/s
