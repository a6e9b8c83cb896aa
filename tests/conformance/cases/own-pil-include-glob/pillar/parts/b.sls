b: 2
z: b
