k: q
