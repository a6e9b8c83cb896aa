
a:
  salt.function:
    - name: test.echo
    - tgt: '*'
    - arg: [hi]
b:
  salt.function:
    - name: test.arg
    - tgt: '*'
    - kwarg: {a: 1}
c:
  salt.function:
    - name: test.false
    - tgt: '*'
d:
  salt.function:
    - name: test.nosuch
    - tgt: '*'
e:
  salt.function:
    - tgt: '*'
