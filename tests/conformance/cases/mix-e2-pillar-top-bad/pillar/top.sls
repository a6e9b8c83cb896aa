base: x
