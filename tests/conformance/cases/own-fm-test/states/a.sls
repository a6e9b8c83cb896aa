new:
  file.managed:
    - name: @ROOT@/new
    - contents: x
same:
  file.managed:
    - name: @ROOT@/same
    - contents: same
mode:
  file.managed:
    - name: @ROOT@/same
    - mode: '0600'
    - replace: False
diff:
  file.managed:
    - name: @ROOT@/diff
    - contents: other
nocreate:
  file.managed:
    - name: @ROOT@/nocreate
    - contents: x
    - create: False
nodir:
  file.managed:
    - name: @ROOT@/no/dir/f
    - contents: x
