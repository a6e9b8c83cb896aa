oct: 0644
str: '0644'
yes: yes
f: 1.10
sci: 1e3
date: 2020-01-02
null_: ~
time: 12:30:45
multi: |
  a
  b
bin: !!binary aGk=
big: 12345678901234567890123
1: int key
true: bool key
list: [a, 1, null, 1.0, true]
