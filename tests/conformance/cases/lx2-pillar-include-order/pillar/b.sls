k: from-b
l: from-b
