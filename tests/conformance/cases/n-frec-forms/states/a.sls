plain:
  file.recurse:
    - name: @ROOT@/plain
    - source: salt://tree
modes:
  file.recurse:
    - name: @ROOT@/modes
    - source: salt://tree
    - dir_mode: '0700'
    - file_mode: '0600'
keep:
  file.recurse:
    - name: @ROOT@/keep
    - source: salt://tree
    - file_mode: keep
inc:
  file.recurse:
    - name: @ROOT@/inc
    - source: salt://tree
    - include_pat: '*.conf'
incre:
  file.recurse:
    - name: @ROOT@/incre
    - source: salt://tree
    - include_pat: E@^(a|sub/)
exc:
  file.recurse:
    - name: @ROOT@/exc
    - source: salt://tree
    - exclude_pat: '*.conf'
exre:
  file.recurse:
    - name: @ROOT@/exre
    - source: salt://tree
    - exclude_pat: E@sub
clean:
  file.recurse:
    - name: @ROOT@/clean
    - source: salt://tree
    - clean: True
cleanex:
  file.recurse:
    - name: @ROOT@/cleanex
    - source: salt://tree
    - clean: True
    - exclude_pat: '*.keep'
empty:
  file.recurse:
    - name: @ROOT@/empty
    - source: salt://tree
    - include_empty: True
depth:
  file.recurse:
    - name: @ROOT@/depth
    - source: salt://tree
    - maxdepth: 0
tpl:
  file.recurse:
    - name: @ROOT@/tpl
    - source: salt://tree
    - template: jinja
    - context: {v: 7}
norepl:
  file.recurse:
    - name: @ROOT@/norepl
    - source: salt://tree
    - replace: False
trail:
  file.recurse:
    - name: @ROOT@/trail/
    - source: salt://tree/
nosrc:
  file.recurse:
    - name: @ROOT@/nosrc
    - source: salt://none
isfile:
  file.recurse:
    - name: @ROOT@/isfile
    - source: salt://tree
srcfile:
  file.recurse:
    - name: @ROOT@/srcfile
    - source: salt://tree/a.txt
