l:
  file.managed:
    - name: @ROOT@/l
    - contents:
      - one
      - two
n:
  file.managed:
    - name: @ROOT@/n
    - contents: no newline
    - contents_newline: False
e:
  file.managed:
    - name: @ROOT@/e
    - contents: ''
m:
  file.managed:
    - name: @ROOT@/m
    - contents: |
        first
        second

b:
  file.managed:
    - name: @ROOT@/b
    - contents: True
i:
  file.managed:
    - name: @ROOT@/i
    - contents: 42
f:
  file.managed:
    - name: @ROOT@/f
    - contents: 1.5
z:
  file.managed:
    - name: @ROOT@/z
    - contents: []
nl:
  file.managed:
    - name: @ROOT@/nl
    - contents:
