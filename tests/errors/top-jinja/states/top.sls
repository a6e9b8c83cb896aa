base:
  '{{ grains.domian }}*':
    - web
