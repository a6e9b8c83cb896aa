a:
  file.managed:
    - name: @ROOT@/f
    - contents: new
    - check_cmd: grep -q new
b:
  file.managed:
    - name: @ROOT@/f
    - contents: newer
    - check_cmd: grep -q nothing
c:
  file.managed:
    - name: @ROOT@/g
    - contents: x
    - check_cmd: 'false'
d:
  file.managed:
    - name: @ROOT@/h
    - contents: x
    - check_cmd: test -f
    - tmp_ext: .conf
    - tmp_dir: @ROOT@
