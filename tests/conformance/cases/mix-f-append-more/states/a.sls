
a:
  file.append:
    - name: @ROOT@/f
    - text:
      - one
      - "  two  "
      - |
        three
        four
b:
  file.append:
    - name: @ROOT@/f
    - text: ONE
    - ignore_whitespace: False
c:
  file.append:
    - name: @ROOT@/sub/f
    - text: x
    - makedirs: True
d:
  file.append:
    - name: @ROOT@/f
    - text: two
e:
  file.append:
    - name: @ROOT@/f
    - text: "   two"
    - ignore_whitespace: False
f:
  file.append:
    - names:
      - @ROOT@/m1
      - @ROOT@/m2
    - text: 5
