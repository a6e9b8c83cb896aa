
a:
  file.line:
    - name: @ROOT@/f
    - mode: insert
    - location: end
    - content: last
b:
  file.line:
    - name: @ROOT@/f
    - mode: ensure
    - content: between
    - after: one
    - before: three
c:
  file.line:
    - name: @ROOT@/f
    - mode: replace
    - content: "two = new"
    - match: "^two"
d:
  file.line:
    - name: @ROOT@/f
    - mode: insert
    - content: one
    - before: three
e:
  file.line:
    - name: @ROOT@/f
    - mode: ensure
    - content: between
    - after: one
f:
  file.line:
    - name: @ROOT@/f
    - mode: delete
    - content: three
g:
  file.line:
    - name: @ROOT@/f
    - mode: bogus
    - content: x
h:
  file.line:
    - name: @ROOT@/f
    - mode: insert
    - content: x
i:
  file.line:
    - name: @ROOT@/f
    - content: x
j:
  file.line:
    - name: @ROOT@/f
    - mode: delete
