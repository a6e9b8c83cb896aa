
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
      - "{{ sls }} {{ slspath }} {{ tpldir }} {{ tplfile }} {{ tplroot }} {{ tpldot }} {{ sls_path }} {{ slsdotpath }} {{ slscolonpath }} {{ saltenv }}"
