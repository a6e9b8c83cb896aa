web:
  frobnicator.installed: []
