ensure_after:
  file.line:
    - name: @ROOT@/a
    - content: new
    - mode: ensure
    - after: two
insert_start:
  file.line:
    - name: @ROOT@/b
    - content: new
    - mode: insert
    - location: start
insert_before:
  file.line:
    - name: @ROOT@/c
    - content: new
    - mode: insert
    - before: two
delete:
  file.line:
    - name: @ROOT@/d
    - content: two
    - mode: delete
replace:
  file.line:
    - name: @ROOT@/e
    - content: TWO
    - match: two
    - mode: replace
ensure_there:
  file.line:
    - name: @ROOT@/f
    - content: two
    - mode: ensure
    - after: one
between:
  file.line:
    - name: @ROOT@/g
    - content: mid
    - mode: ensure
    - after: one
    - before: two
indent:
  file.line:
    - name: @ROOT@/h
    - content: new
    - mode: insert
    - after: indented
noindent:
  file.line:
    - name: @ROOT@/i
    - content: new
    - mode: insert
    - after: indented
    - indent: False
nomode:
  file.line:
    - name: @ROOT@/i
    - content: new
