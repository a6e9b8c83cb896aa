two: {{ grains.id }}
