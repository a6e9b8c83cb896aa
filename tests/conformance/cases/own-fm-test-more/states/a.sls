same:
  file.managed:
    - name: @ROOT@/same
    - contents: x
diff:
  file.managed:
    - name: @ROOT@/diff
    - contents: y
mode:
  file.managed:
    - name: @ROOT@/mode
    - contents: x
    - mode: '0600'
new:
  file.managed:
    - name: @ROOT@/new
    - contents: x
missing:
  file.managed:
    - name: @ROOT@/m
    - source: salt://nope
deep:
  file.managed:
    - name: @ROOT@/no/dir/x
    - contents: x
baduser:
  file.managed:
    - name: @ROOT@/bu
    - contents: x
    - user: nosuch
createf:
  file.managed:
    - name: @ROOT@/cf
    - contents: x
    - create: False
replf:
  file.managed:
    - name: @ROOT@/diff
    - contents: zz
    - replace: False
