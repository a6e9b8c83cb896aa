no:
  file.managed:
    - name: @ROOT@/x/y/no
    - contents: x
yes1:
  file.managed:
    - name: @ROOT@/p/q/yes
    - contents: x
    - makedirs: True
mode:
  file.managed:
    - name: @ROOT@/m/n/f
    - contents: x
    - makedirs: True
    - mode: '0600'
dir_mode:
  file.managed:
    - name: @ROOT@/dm/n/f
    - contents: x
    - makedirs: True
    - mode: '0644'
    - dir_mode: '0700'
