str:
  file.managed:
    - name: @ROOT@/str
    - contents: one line
multi:
  file.managed:
    - name: @ROOT@/multi
    - contents: |
        a
          b

        c
list:
  file.managed:
    - name: @ROOT@/list
    - contents: [a, 1, true, null, 1.5]
int:
  file.managed:
    - name: @ROOT@/int
    - contents: 42
bool:
  file.managed:
    - name: @ROOT@/bool
    - contents: false
null:
  file.managed:
    - name: @ROOT@/null
    - contents: null
empty:
  file.managed:
    - name: @ROOT@/empty
    - contents: ''
emptylist:
  file.managed:
    - name: @ROOT@/emptylist
    - contents: []
dict:
  file.managed:
    - name: @ROOT@/dict
    - contents: {a: 1}
nested:
  file.managed:
    - name: @ROOT@/nested
    - contents: [[a, b], {c: d}]
nonl:
  file.managed:
    - name: @ROOT@/nonl
    - contents: text
    - contents_newline: False
strip:
  file.managed:
    - name: @ROOT@/strip
    - contents: |-
        x
        y
float:
  file.managed:
    - name: @ROOT@/float
    - contents: 1.50
crlf:
  file.managed:
    - name: @ROOT@/crlf
    - contents: "a\r\nb\r\n"
