a:
  cmd.run:
    - name: 5
b:
  cmd.run:
    - name: [echo, x]
c:
  cmd.run:
    - name: ''
d:
  cmd.run: []
echo idcmd > @ROOT@/id:
  cmd.run
