f:
  file.managed:
    - name: @ROOT@/f
    - contents: {{ ("word " * 60) | yaml_dquote }}
g:
  file.managed:
    - name: @ROOT@/g
    - contents: "{{ {'k': 'v ' * 50} | yaml | replace('\n', '|') }}"
