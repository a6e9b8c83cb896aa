a: {again: 6}
t: {{ grains.k }}
