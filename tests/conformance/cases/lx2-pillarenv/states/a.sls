f:
  file.managed:
    - name: @ROOT@/f
    - contents: |
        {{ opts.pillarenv }} {{ opts['pillarenv'] is none }}
