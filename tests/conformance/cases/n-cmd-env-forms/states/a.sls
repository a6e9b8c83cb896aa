l:
  cmd.run:
    - name: echo "$A|$B" >> @ROOT@/log
    - env:
      - A: x
      - B: 'y z'
d:
  cmd.run:
    - name: echo "$A|$B" >> @ROOT@/log
    - env:
        A: 1
        B: true
n:
  cmd.run:
    - name: echo "${A-unset}|$B" >> @ROOT@/log
    - env:
      - A: false
      - B: 1.5
s:
  cmd.run:
    - name: echo "s$A" >> @ROOT@/log
    - env: A=1
e:
  cmd.run:
    - name: echo "e$A" >> @ROOT@/log
    - env: []
p:
  cmd.run:
    - name: echo "$PATH" | grep -c '^/opt/x:' >> @ROOT@/log
    - prepend_path: /opt/x
p2:
  cmd.run:
    - name: echo "$PATH" >> @ROOT@/log
    - env:
      - PATH: /bin:/usr/bin
ref:
  cmd.run:
    - name: echo "$PATH" | grep -c /added >> @ROOT@/log
    - env:
      - PATH: {{ [salt['environ.get']('PATH', '/bin:/usr/bin'), '/added']|join(':') }}
q:
  cmd.run:
    - name: env | grep -c '^LC_ALL=C$' >> @ROOT@/log
