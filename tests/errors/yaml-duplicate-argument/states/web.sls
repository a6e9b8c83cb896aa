web:
  file.managed:
    - context:
        port: 80
        port: 81
