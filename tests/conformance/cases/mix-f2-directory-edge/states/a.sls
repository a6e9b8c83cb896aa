
a:
  file.directory:
    - name: @ROOT@/a/
    - mode: 700
b:
  file.directory:
    - name: @ROOT@/p/q/r
c:
  file.directory:
    - name: @ROOT@/rec
    - recurse: [mode, ignore_files]
    - dir_mode: '0700'
    - file_mode: '0600'
d:
  file.directory:
    - name: @ROOT@/rec2
    - recurse: [mode, ignore_dirs]
    - dir_mode: '0700'
    - file_mode: '0600'
e:
  file.directory:
    - name: @ROOT@/rec3
    - recurse: bogus
f:
  file.directory:
    - name: @ROOT@/rec3
    - recurse: [bogus]
g:
  file.directory:
    - name: @ROOT@/cl
    - clean: True
    - exclude_pat: ['*.keep', 'E@sub/.*']
h:
  file.directory:
    - name: @ROOT@/t
    - user: nobodyhere
i:
  file.directory:
    - names: [@ROOT@/n1, @ROOT@/n2/n3]
    - makedirs: True
j:
  file.directory:
    - name: @ROOT@/md
    - max_depth: 1
    - file_mode: '0600'
    - recurse: [mode]
