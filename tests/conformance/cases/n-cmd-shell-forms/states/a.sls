bash:
  cmd.run:
    - name: '[[ a == a ]] && echo yes > @ROOT@/bash'
    - shell: /bin/bash
sh:
  cmd.run:
    - name: echo "$0" > @ROOT@/sh
    - shell: /bin/sh
noshell:
  cmd.run:
    - name: touch @ROOT@/nosh
    - shell: /no/such/shell
list:
  cmd.run:
    - name: [touch, '@ROOT@/list']
ml:
  cmd.run:
    - name: |
        set -e
        echo one > @ROOT@/ml
        false
        echo two >> @ROOT@/ml
hd:
  cmd.run:
    - name: |
        cat > @ROOT@/hd <<EOF
        a: $((1+1))
        EOF
fn:
  cmd.run:
    - name: 'f() { echo "$1" >> @ROOT@/fn; }; f x; f y'
bg:
  cmd.run:
    - name: exit 300
sig:
  cmd.run:
    - name: kill -9 $$
nf:
  cmd.run:
    - name: no-such-command-here
empty:
  cmd.run:
    - name: ''
sp:
  cmd.run:
    - name: '   '
tm:
  cmd.run:
    - name: sleep 5
    - timeout: 1
stdin:
  cmd.run:
    - name: cat > @ROOT@/stdin
    - stdin: "line\n"
ign:
  cmd.run:
    - name: exit 3
    - ignore_timeout: True
bgd:
  cmd.run:
    - name: touch @ROOT@/bg
    - bg: True
wait:
  cmd.run:
    - name: 'for i in 1 2 3 4 5 6 7 8 9 10; do test -e @ROOT@/bg && exit 0; sleep 0.2; done; exit 1'
