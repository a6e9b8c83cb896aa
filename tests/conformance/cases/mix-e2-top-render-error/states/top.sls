base:
  '{{ nope }}': [a]
