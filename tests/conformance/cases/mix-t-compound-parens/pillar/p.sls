p: q
