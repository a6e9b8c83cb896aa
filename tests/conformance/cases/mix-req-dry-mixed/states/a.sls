
chg:
  test.succeed_with_changes: []
same:
  test.succeed_without_changes: []
bad:
  test.fail_with_changes: []
oc:
  cmd.run:
    - name: echo oc
    - onchanges: [test: chg]
oc2:
  cmd.run:
    - name: echo oc2
    - onchanges: [test: same]
of:
  cmd.run:
    - name: echo of
    - onfail: [test: bad]
of2:
  cmd.run:
    - name: echo of2
    - onfail: [test: same]
w:
  cmd.wait:
    - name: echo w
    - watch: [test: chg]
w2:
  cmd.wait:
    - name: echo w2
    - watch: [test: bad]
li:
  cmd.wait:
    - name: echo li
    - listen: [test: chg]
pr:
  cmd.run:
    - name: echo pr
    - prereq: [test: chg]
