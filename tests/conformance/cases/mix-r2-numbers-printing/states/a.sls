
f:
  file.managed:
    - name: @ROOT@/f
    - contents:
      - {{ 1.0 }}
      - {{ '010' }}
      - {{ 1e3 }}
      - {{ 3 / 2 }}
      - {{ 4 / 2 }}
      - {{ true }}
      - {{ none }}
      - "{{ [1, 'a', none] }}"
