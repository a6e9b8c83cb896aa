a:
  file.directory:
    - name: @ROOT@/t
    - dir_mode: '0700'
    - file_mode: '0600'
    - recurse:
      - mode
      - ignore_files
b:
  file.directory:
    - name: @ROOT@/u
    - dir_mode: '0700'
    - file_mode: '0600'
    - max_depth: 1
    - recurse:
      - mode
