a: 1
z: a
