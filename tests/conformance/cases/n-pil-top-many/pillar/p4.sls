a: text
