j: three
