l: from-c
k: from-c
