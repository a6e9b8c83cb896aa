
a:
  file.managed:
    - name: @ROOT@/a
    - contents: "no newline"
b:
  file.managed:
    - name: @ROOT@/b
    - contents: "two\n\n"
c:
  file.managed:
    - name: @ROOT@/c
    - contents: ["", "", "x"]
d:
  file.managed:
    - name: @ROOT@/d
    - contents: ["a\nb", "c\n"]
e:
  file.managed:
    - name: @ROOT@/e
    - contents: "crlf\r\nx"
f:
  file.managed:
    - name: @ROOT@/f
    - contents: [1, true, null, 1.5]
g:
  file.managed:
    - name: @ROOT@/g
    - contents: []
h:
  file.managed:
    - name: @ROOT@/h
    - contents: "  lead\n trail  "
i:
  file.managed:
    - name: @ROOT@/i
    - contents: "x"
    - contents_newline: False
j:
  file.managed:
    - name: @ROOT@/j
    - contents: "x\n\n"
    - contents_newline: False
k:
  file.managed:
    - name: @ROOT@/k
    - contents: ''
    - allow_empty: False
l:
  file.managed:
    - name: @ROOT@/l
    - contents: false
m:
  file.managed:
    - name: @ROOT@/m
    - contents: 2020-01-02
n:
  file.managed:
    - name: @ROOT@/n
