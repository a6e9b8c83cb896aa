k: one
