
a:
  file.append:
    - name: @ROOT@/f
    - text: |
        multi
        line
b:
  file.append:
    - name: @ROOT@/f
    - text: "multi\nline"
c:
  file.append:
    - name: @ROOT@/f
    - text: [a, a, b]
d:
  file.append:
    - name: @ROOT@/f
    - text: ''
e:
  file.append:
    - name: @ROOT@/f
    - text: "x.y*"
f:
  file.append:
    - name: @ROOT@/none/f
    - text: z
g:
  file.append:
    - name: @ROOT@/f
    - text: true
h:
  file.append:
    - name: @ROOT@/f
    - text: [1, 2.5, null]
i:
  file.prepend:
    - name: @ROOT@/g
    - text: "p1\np2"
j:
  file.append:
    - name: @ROOT@/d
    - text: x
k:
  file.append:
    - name: @ROOT@/h
    - text: "line"
