ü-id:
  file.managed:
    - name: @ROOT@/ünï
    - contents: "{{ 'äöü'|upper }} {{ '日本'|length }} {{ ['é'] }} \u263a"
