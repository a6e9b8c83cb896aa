2020-01-02:
  test.nop: []
