
a:
  cmd.run:
    - name: echo "$A-$B-$C-$D" > @ROOT@/a
    - env:
      - A: 1
      - B: 'two words'
      - C: True
      - D: ''
b:
  cmd.run:
    - name: echo "$A" > @ROOT@/b
    - env: {A: map}
c:
  cmd.run:
    - name: echo "$A" > @ROOT@/c
    - env: 'A=str'
d:
  cmd.run:
    - name: echo "$A" > @ROOT@/d
    - env: [A=li, B=x]
e:
  cmd.run:
    - name: echo "$0 $BASH_VERSION" | grep -c . > @ROOT@/e
    - shell: /bin/bash
f:
  cmd.run:
    - name: echo $HOME > @ROOT@/f
    - runas: root
g:
  cmd.run:
    - name: env | grep -c '^LC_ALL=C' > @ROOT@/g; true
    - reset_system_locale: False
h:
  cmd.run:
    - name: printf '%s' "$X" > @ROOT@/h
    - env:
      - X: {{ 5 }}
