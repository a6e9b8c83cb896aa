miss:
  cmd.run:
    - name: pwd > @ROOT@/o1
    - cwd: @ROOT@/none
file:
  cmd.run:
    - name: pwd > @ROOT@/o2
    - cwd: @ROOT@/f
rel:
  cmd.run:
    - name: pwd > @ROOT@/o3
    - cwd: d
ok:
  cmd.run:
    - name: pwd > o4
    - cwd: @ROOT@/d
tilde:
  cmd.run:
    - name: test "$(pwd)" = /root
    - cwd: '~'
deflt:
  cmd.run:
    - name: test "$(pwd)" = /root
link:
  cmd.run:
    - name: touch here
    - cwd: @ROOT@/l
unl:
  cmd.run:
    - name: touch never
    - cwd: @ROOT@/none
    - unless: 'true'
onl:
  cmd.run:
    - name: touch ever
    - cwd: @ROOT@/none
    - onlyif: 'true'
runas:
  cmd.run:
    - name: whoami
    - runas: nosuchuser
runnobody:
  cmd.run:
    - name: whoami > /dev/null
    - runas: nobody
group:
  cmd.run:
    - name: id
    - group: nosuchgroup
