web: test.npo
