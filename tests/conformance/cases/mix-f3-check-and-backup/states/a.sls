
a:
  file.managed:
    - name: @ROOT@/a
    - contents: new
    - backup: minion
b:
  file.managed:
    - name: @ROOT@/b
    - contents: bad
    - check_cmd: "false"
    - onchanges_in: [test: n]
n:
  test.nop: []
c:
  file.managed:
    - name: @ROOT@/c
    - contents: x
    - check_cmd: test -s
    - tmp_dir: @ROOT@/
    - tmp_ext: .conf
d:
  file.managed:
    - name: @ROOT@/d
    - contents: x
    - user: root
    - group: root
    - mode: '0600'
e:
  file.managed:
    - name: @ROOT@/e
    - contents: x
    - user: nosuchuser
f:
  file.directory:
    - name: @ROOT@/fd
    - group: nosuchgroup
