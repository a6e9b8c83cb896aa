"{{ [1,2]|product(repeat=2)|list }} {{ [1,2]|product([3])|list }} {{ [1,2]|product(repeat=0)|list }} {{ [1,2]|product([3, 4], repeat=1)|list|length }}":
  test.nop
