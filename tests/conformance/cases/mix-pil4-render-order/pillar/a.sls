o: a
