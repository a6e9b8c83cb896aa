hello: {{ who }}
n: {{ n }}
