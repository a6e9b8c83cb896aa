base:
  file.managed:
    - name: @ROOT@/base
    - contents: base
    - mode: '0600'
    - makedirs: True
    - require: [test: x]
x:
  test.nop
u1:
  file.managed:
    - name: @ROOT@/u1
    - use: [file: base]
u2:
  file.managed:
    - name: @ROOT@/u2
    - contents: own
    - use:
      - file: base
u3:
  file.managed:
    - name: @ROOT@/u3
    - use: [base]
u4:
  file.directory:
    - name: @ROOT@/u4
    - use: [file: base]
u5:
  file.managed:
    - name: @ROOT@/u5
    - use: [file: nothere]
