
include: [sub.dir.a]
g:
  file.managed:
    - name: @ROOT@/g
    - contents:
      - "{{ sls }} {{ slspath }} {{ tpldir }} {{ tplfile }} {{ tplroot }} {{ tpldot }} {{ sls_path }} {{ slsdotpath }} {{ slscolonpath }}"
