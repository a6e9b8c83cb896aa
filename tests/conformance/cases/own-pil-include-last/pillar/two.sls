k: two
j: two
