
ens-after:
  file.line:
    - name: @ROOT@/f
    - mode: ensure
    - content: "  key = new"
    - after: "^\\[s\\]"
ens-before:
  file.line:
    - name: @ROOT@/f
    - mode: ensure
    - content: top
    - before: "^\\[s\\]"
rep:
  file.line:
    - name: @ROOT@/f
    - mode: replace
    - match: old
    - content: replaced
del:
  file.line:
    - name: @ROOT@/f
    - mode: delete
    - match: gone
ins-start:
  file.line:
    - name: @ROOT@/f
    - mode: insert
    - location: start
    - content: first
ins-noindent:
  file.line:
    - name: @ROOT@/f
    - mode: insert
    - after: deep
    - content: flat
    - indent: False
ins-indent:
  file.line:
    - name: @ROOT@/f
    - mode: insert
    - before: deep
    - content: like
quiet:
  file.line:
    - name: @ROOT@/f
    - mode: delete
    - match: nothing
    - quiet: True
