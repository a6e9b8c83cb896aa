oct:
  test.nop:
    - name: 0o17
oct2:
  test.nop:
    - name: 0755
sex:
  test.nop:
    - name: 1:30
date:
  test.nop:
    - name: 2020-01-01
dt:
  test.nop:
    - name: 2020-01-01 10:00:00
bin:
  test.nop:
    - name: !!binary aGk=
hexn:
  test.nop:
    - name: 0x1f
fl:
  test.nop:
    - name: 1.50
und:
  test.nop:
    - name: 1_000
nul:
  test.nop:
    - name: ~
tru:
  test.nop:
    - name: Yes
blk:
  test.nop:
    - name: |
        a
        b
fold:
  test.nop:
    - name: >-
        a
        b
q:
  test.nop:
    - name: "a\tb"
