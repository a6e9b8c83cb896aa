rep:
  file.line:
    - name: @ROOT@/f
    - match: two
    - content: TWO
    - mode: replace
ensure:
  file.line:
    - name: @ROOT@/f
    - content: after-one
    - mode: ensure
    - after: one
ensure2:
  file.line:
    - name: @ROOT@/f
    - content: before-three
    - mode: ensure
    - before: three
del:
  file.line:
    - name: @ROOT@/f
    - match: TWO
    - mode: delete
ins:
  file.line:
    - name: @ROOT@/f
    - content: start
    - mode: insert
    - location: start
insafter:
  file.line:
    - name: @ROOT@/f
    - content: mid
    - mode: insert
    - after: one
insbefore:
  file.line:
    - name: @ROOT@/f
    - content: pre
    - mode: insert
    - before: one
nomode:
  file.line:
    - name: @ROOT@/f
    - content: x
badmode:
  file.line:
    - name: @ROOT@/f
    - content: x
    - mode: bogus
nocontent:
  file.line:
    - name: @ROOT@/f
    - mode: replace
    - match: one
nomatch:
  file.line:
    - name: @ROOT@/f
    - mode: replace
    - match: zzz
    - content: y
