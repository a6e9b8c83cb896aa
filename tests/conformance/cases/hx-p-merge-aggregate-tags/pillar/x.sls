a: !aggregate [1]
