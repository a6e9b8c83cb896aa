k: p
