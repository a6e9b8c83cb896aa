web:
  host: {{ grains.fdqn }}
